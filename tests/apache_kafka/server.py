"""Apache Kafka (KRaft, one node) as a child process, on a JDK 17 or newer; its jars are fetched with Maven.

Tests start it by `local_apache_kafka`. `python -m tests.apache_kafka.server` (make kafka) keeps one running.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ChildDied, ChildNotReady, ProcessSpec
from tollhouse.servers.topics import ensure_topics
from tollhouse.supervised_process import supervised

POM = Path(__file__).with_name("pom.xml")
LIBS = Path(
    os.environ.get("TOLLHOUSE_KAFKA_LIBS", Path(__file__).parents[2] / ".tollhouse" / "kafka" / "libs")
)
RECEIPT = "pom.xml"  # a copy of the pom beside the jars that it brought
JAVA_MIN = 17
HEAP = ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC"]


class KafkaIsMissing(Exception):
    """Apache Kafka cannot run here; the message says what to do."""


def why_unavailable() -> str | None:
    """What stands in the way of running Apache Kafka on this machine; None if nothing does."""
    if _java_version() < JAVA_MIN:
        return f"Apache Kafka needs Java {JAVA_MIN} or newer, and there is no such `java` here"
    if not _is_fetched() and shutil.which("mvn") is None:
        return "Apache Kafka is fetched with Maven, and there is no `mvn` here"
    return None


def _java_version() -> int:
    """The major version of `java`; 0 if there is none (or one so old that it does not know the flag)."""
    if shutil.which("java") is None:
        return 0
    found = re.match(r"\w+ (\d+)", _run("java", "--version").stdout)
    return int(found[1]) if found else 0


def fetch() -> Path:
    """Copy Kafka's jars into LIBS, once per version of the pom. Raises KafkaIsMissing with Maven's words."""
    if reason := why_unavailable():
        raise KafkaIsMissing(reason)
    if not _is_fetched():
        draft = LIBS.with_name(f"libs.{os.getpid()}")  # two may fetch at once: neither sees half a folder
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}"]
        maven = _run("mvn", "-q", "-B", "-f", str(POM), *goal)
        if maven.returncode != 0:
            raise KafkaIsMissing(f"Maven could not fetch Apache Kafka: {maven.stdout[-2000:]}")
        (draft / RECEIPT).write_bytes(POM.read_bytes())
        shutil.rmtree(LIBS, ignore_errors=True)
        draft.rename(LIBS)
    return LIBS


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def _is_fetched() -> bool:
    """Whether LIBS holds what the pom asks for now."""
    receipt = LIBS / RECEIPT
    return receipt.exists() and receipt.read_bytes() == POM.read_bytes()


def local_apache_kafka(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The broker of a state folder: its bootstrap address, and itself as a child process.

    Unlike the memory broker it keeps its log and its cluster id. Fetches it first; raises KafkaIsMissing.
    """
    fetch()
    home = state.folder / "apache-kafka"
    bootstrap = f"127.0.0.1:{state.port('apache-kafka')}"
    controller = f"127.0.0.1:{state.port('apache-kafka-controller')}"
    cluster_id = state.secret("apache-kafka-cluster")[:22]  # Kafka wants 16 bytes as 22 base64 characters

    async def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "server.properties").write_text(_properties(home / "data", bootstrap, controller))
        (home / "log4j2.properties").write_text(LOG4J)
        if not (home / "data" / "meta.properties").exists():
            await asyncio.to_thread(_format, home, cluster_id)

    return bootstrap, ProcessSpec(
        name="apache-kafka",
        prepare=prepare,
        command=lambda: [*_java(home), "kafka.Kafka", str(home / "server.properties")],
        is_ready=lambda: ensure_topics(bootstrap),
        log=state.folder / "logs" / "apache-kafka.log",
        stop_timeout_s=30,
    )


def _java(home: Path) -> list[str]:
    logging = f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}"
    return ["java", *HEAP, logging, "-cp", str(LIBS / "*")]


def _format(home: Path, cluster_id: str) -> None:
    """Give the log folder its identity, once."""
    tool = [*_java(home), "kafka.tools.StorageTool", "format", "--standalone"]
    done = _run(*tool, "-t", cluster_id, "-c", str(home / "server.properties"))
    if done.returncode != 0:
        raise ChildDied(f"Kafka's StorageTool: {done.stdout[-2000:]}")


def _properties(data: Path, bootstrap: str, controller: str) -> str:
    """One node that is broker and controller; topics are made by us alone, never by accident."""
    listeners = f"PLAINTEXT://{bootstrap},CONTROLLER://{controller}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": controller,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "broker.session.timeout.ms": "3000",  # after kill -9 it must outlive its former self's session
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


LOG4J = """\
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


async def _keep_running(folder: Path) -> None:
    bootstrap, program = local_apache_kafka(InstallationState(folder))
    async with supervised([program]):
        settings = f"TOLLHOUSE_KAFKA_BOOTSTRAP={bootstrap} TOLLHOUSE_BROKER_IDEMPOTENCE=true"
        print(f"Apache Kafka runs until Ctrl-C, for one installation: {settings} make up", flush=True)
        await asyncio.Event().wait()


def main() -> int:
    """Run one with an empty log until Ctrl-C, and print the settings with which an installation uses it."""
    with TemporaryDirectory() as folder:
        try:
            asyncio.run(_keep_running(Path(folder)))
        except KeyboardInterrupt:
            return 0
        except (KafkaIsMissing, ChildDied, ChildNotReady) as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
