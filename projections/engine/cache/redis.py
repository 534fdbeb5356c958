"""The cache on Redis or Valkey, with short time limits and without retries."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from projections.engine.cache.cache import CacheKey, CacheUnavailable
from shared.framework.process.scraped_gauges import reachable

TIMEOUT_S = 0.25
CONNECTIONS_MAX = 32

# Writes a document, except over a newer revision.
PUT = """
local known = redis.call('HGET', KEYS[1], 'revision')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'document', ARGV[2])
return 1
"""


class RedisCache:
    """See `Cache`. A document is the hash `<prefix>:<table>:<tenant_id>:<row id>`."""

    def __init__(self, url: str, prefix: str) -> None:
        """`prefix`: see cache_prefix."""
        self._prefix = prefix
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            max_connections=CONNECTIONS_MAX,
            retry=Retry(NoBackoff(), 0),
        )
        self._put = self._redis.register_script(PUT)

    async def read(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, bytes]:
        if not keys:
            return {}
        with _unavailable():
            async with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.hget(self._name(key), "document")
                found = await cast("Awaitable[list[bytes | None]]", pipe.execute())
        return {key: document for key, document in zip(keys, found, strict=True) if document is not None}

    async def write(self, documents: Mapping[CacheKey, tuple[int, bytes]]) -> None:
        if not documents:
            return
        with _unavailable():
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, put in documents.items():
                    await self._put(keys=[self._name(key)], args=put, client=pipe)
                await pipe.execute()

    async def measure(self) -> None:
        """Set the gauge of the server's reachability."""
        with _unavailable():
            await reachable("redis", self._redis.ping())

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _name(self, key: CacheKey) -> str:
        return ":".join((self._prefix, *key))


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise CacheUnavailable(repr(error)) from error
