"""The hot copy's server: Redis or Valkey, with short time-outs and without retries."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from projections.engine.cache.cache import CacheUnavailable
from projections.engine.read_model import Key

TIMEOUT_S = 0.25
CONNECTIONS_MAX = 32
WRITE_MAX = 500

# A document is put only over an older or equal revision of itself.
PUT = """
local known = redis.call('HGET', KEYS[1], 'revision')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'document', ARGV[2])
return 1
"""


class RedisCache:
    """See `Cache`."""

    def __init__(self, url: str, prefix: str) -> None:
        """`prefix` names the database and the table that are copied."""
        self.incarnation: str | None = None
        self._prefix = prefix
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            max_connections=CONNECTIONS_MAX,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._on_connect,
        )
        self._put = self._redis.register_script(PUT)

    async def meet(self) -> str:
        """Who answers now. CacheUnavailable."""
        with _away():
            about = await self._redis.info("server")
        self.incarnation = str(about["run_id"])
        return self.incarnation

    async def read(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        """The documents that are there. CacheUnavailable."""
        if not keys:
            return {}
        with _away():
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hget(self._name(key), "document")
                found = await cast("Awaitable[list[bytes | None]]", pipe.execute())
        return {key: document for key, document in zip(keys, found, strict=True) if document is not None}

    async def write(self, documents: Mapping[Key, tuple[int, bytes]]) -> None:
        """Put documents with their revisions. CacheUnavailable."""
        items = list(documents.items())
        with _away():
            for start in range(0, len(items), WRITE_MAX):
                async with self._redis.pipeline(transaction=False) as pipe:
                    for key, (revision, document) in items[start : start + WRITE_MAX]:
                        await self._put(keys=[self._name(key)], args=[revision, document], client=pipe)
                    await pipe.execute()

    async def close(self) -> None:
        """Let go of the server."""
        await self._redis.aclose()

    def _name(self, key: Key) -> str:
        return f"{self._prefix}:{key[0]}:{key[1]}"

    async def _on_connect(self, connection: Any) -> None:
        """Every new connection tells who is at its other end, before it is used."""
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        about = str(await connection.read_response(), encoding="utf-8", errors="replace")
        lines = (line.partition(":") for line in about.splitlines())
        self.incarnation = next((value for name, _, value in lines if name == "run_id"), None)


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise CacheUnavailable(repr(error)) from error
