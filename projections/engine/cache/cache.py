"""Port for the cache server; implemented in redis.py."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

CacheKey: TypeAlias = tuple[str, str, str]
"""(table of the read model, tenant_id, row id)."""


class CacheUnavailable(Exception):
    """The server sent no response within its time limit."""


class Cache(Protocol):
    """Documents by key, each with the revision of its row. Every call ends within a second."""

    async def read(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, bytes]:
        """The documents of these keys that exist. Raises CacheUnavailable."""

    async def write(self, documents: Mapping[CacheKey, tuple[int, bytes]]) -> None:
        """Write (revision, document) pairs, except over newer revisions. Raises CacheUnavailable."""
