"""A context's own history, settled and in order: what heals holes, rebuilds, and serves audits."""

from collections.abc import Mapping
from typing import Protocol

from shared.framework.eventstore.ports import Feed
from shared.framework.eventstore.records import FeedPage
from shared.framework.retry.transient import TransientFailure

_BEYOND = 2**62
"""After every position there will ever be: a page asked for from there has a head and no records."""


class FeedUnavailable(TransientFailure):
    """A feed did not answer properly within its time: try again later."""


class FeedReader(Protocol):
    """Reads the feeds of other contexts."""

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """Settled records of one partition after a position, in order. FeedUnavailable."""
        ...

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        """The last settled position of each partition (0: none). FeedUnavailable."""
        ...


class InProcessFeeds:
    """Feeds read straight from stores in the same process: for tests, tools and simulation."""

    def __init__(self, stores: Mapping[str, Feed]) -> None:
        """`stores` by context; a context without one fails as an unreachable feed does."""
        self._stores = stores

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """See FeedReader."""
        return await self._store(context).feed(partition, partitions, after, limit)

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        """See FeedReader."""
        return await heads_of(self._store(context), partitions)

    def _store(self, context: str) -> Feed:
        if context not in self._stores:
            raise FeedUnavailable(f"no feed of {context}")
        return self._stores[context]


async def heads_of(store: Feed, partitions: int) -> dict[int, int]:
    """The last settled position of each partition of a store."""
    pages = {number: await store.feed(number, partitions, _BEYOND, 1) for number in range(partitions)}
    return {number: page.head for number, page in pages.items()}
