"""A wrapper of the event store: every commit is traced and counted, and wakes who waits for news."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.framework.eventstore.port import (
    ChangeSet,
    CommitReceipt,
    DeadLetter,
    EventRecord,
    EventStore,
    FeedPage,
    IdempotencyKey,
    InboxPosition,
    StoredResponse,
    StreamHistory,
    Timer,
)
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import span


@dataclass(slots=True)
class InstrumentedEventStore:
    """`wakes`: set after each commit that may have brought something to relay or to do later."""

    inner: EventStore
    context: str
    wakes: list[asyncio.Event] = field(default_factory=list)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """See EventStore; only what was committed is counted."""
        with span(names.SPAN_COMMIT, attributes={names.ATTR_CONTEXT: self.context}):
            receipt = await self.inner.commit(changes)
        metrics.EVENTS_APPENDED.labels(self.context).inc(len(receipt.positions))
        if changes.appends or changes.timers or changes.clocks:
            for wake in self.wakes:
                wake.set()
        return receipt

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """See EventStore."""
        return await self.inner.load(tenant_id, stream_id)

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """See EventStore."""
        return await self.inner.version(tenant_id, stream_id)

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        """See EventStore."""
        return await self.inner.read_stable(after, limit)

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """See EventStore."""
        return await self.inner.feed(partition, partitions, after, limit)

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        """See EventStore."""
        return await self.inner.inbox(consumer)

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        """See EventStore."""
        return await self.inner.due_timers(system_now, limit)

    async def postpone(self, timer_id: str, until: datetime) -> None:
        """See EventStore."""
        await self.inner.postpone(timer_id, until)

    async def test_clock_now(self, tenant_id: str) -> datetime | None:
        """See EventStore."""
        return await self.inner.test_clock_now(tenant_id)

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """See EventStore."""
        return await self.inner.claim(key, now)

    async def release(self, key: IdempotencyKey) -> None:
        """See EventStore."""
        await self.inner.release(key)

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        """See EventStore."""
        return await self.inner.delete_expired_keys(before, limit)

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        """See EventStore."""
        return await self.inner.dead_letters(consumer)

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        """See EventStore."""
        return await self.inner.blocked_streams(consumer)
