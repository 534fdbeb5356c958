"""Feeds: the events of a context in order, read from its store instead of the broker.

They fill gaps in what the broker delivered, rebuild read models, and serve audits.
"""

from collections.abc import Mapping
from typing import Protocol

from shared.framework.eventstore.ports import Feed
from shared.framework.eventstore.records import BEYOND_ALL, FeedPage
from shared.framework.retry.transient import TransientFailure


class FeedUnavailable(TransientFailure):
    """A feed did not respond correctly in time."""


class FeedReader(Protocol):
    """Reads the feeds of other contexts."""

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """Settled records of one partition after a position, in order. Raises FeedUnavailable."""

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        """The last settled position of each partition (0: none). Raises FeedUnavailable."""


class InProcessFeeds:
    """Feeds read from stores in the same process, for tests, tools and simulation."""

    def __init__(self, stores: Mapping[str, Feed]) -> None:
        """`stores` by context; other contexts raise FeedUnavailable."""
        self._stores = stores

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        return await self._store(context).feed(partition, partitions, after, limit)

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        return await heads_of(self._store(context), partitions)

    def _store(self, context: str) -> Feed:
        if context not in self._stores:
            raise FeedUnavailable(f"no feed of {context}")
        return self._stores[context]


async def heads_of(store: Feed, partitions: int) -> dict[int, int]:
    """The last settled position of each partition of a store (0: none)."""
    return {number: await head_of(store, number, partitions) for number in range(partitions)}


async def head_of(store: Feed, partition: int, partitions: int) -> int:
    """The last settled position of one of `partitions` partitions of a store (0: none)."""
    return (await store.feed(partition, partitions, BEYOND_ALL, 1)).head
