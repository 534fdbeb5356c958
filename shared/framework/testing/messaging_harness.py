"""Two contexts with a broker between them: `subscriptions` publishes, `invoicing` consumes into a journal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import Append, ChangeSet, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.leadership.port import Leadership, MemoryLeadership
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.feed import FeedReader, InProcessFeeds
from shared.framework.messaging.port import Broker
from shared.framework.messaging.relay import MemoryCursor, Relay, RelayCursor
from shared.framework.retry.backoff import Sleeper
from shared.framework.testing.store_examples import METADATA, TENANT, NoteTaken, registered

PARTITIONS = 4


@dataclass(slots=True)
class MessagingHarness:
    """The parts of both contexts; each can be replaced by one with faults."""

    publishing: Store
    consuming: Store
    broker: Broker
    sleeper: Sleeper
    leadership: Leadership = field(default_factory=MemoryLeadership)
    cursor: RelayCursor = field(default_factory=MemoryCursor)
    feeds: FeedReader | None = None
    refused: set[str] = field(default_factory=set)
    """Texts of notes for which the handler raises ValueError."""
    versions: dict[str, int] = field(default_factory=dict)
    attempts: int = 0

    def relay(self) -> Relay:
        """A new relay."""
        return Relay(
            store=self.publishing,
            broker=self.broker,
            cursor=self.cursor,
            leadership=self.leadership,
            sleeper=self.sleeper,
            partitions=PARTITIONS,
        )

    def consumer(self) -> Consumer:
        """A new consumer, with the same name as the others."""
        return Consumer(
            name="invoicing",
            subscribes_to=["subscriptions"],
            handler=self.write_journal,
            store=self.consuming,
            broker=self.broker,
            feeds=self.feeds or InProcessFeeds({"subscriptions": self.publishing}),
            leadership=self.leadership,
            sleeper=self.sleeper,
            partitions=PARTITIONS,
            batch=50,
            sweep_interval_s=0.1,
        )

    async def publish(self, stream_id: str, name: str = "acme") -> None:
        """Append an event to a stream of `subscriptions`."""
        expected = self.versions.get(stream_id, 0)
        await self.publishing.commit(
            ChangeSet(appends=[Append(TENANT, stream_id, expected, (registered(name),), METADATA)])
        )
        self.versions[stream_id] = expected + 1

    async def write_journal(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        """The handler: appends an event for each record to a journal, showing repetitions and disorder."""
        self.attempts += 1
        for record in records:
            if any(name.encode() in record.state for name in self.refused):
                raise ValueError(f"cannot take {record.stream_id} version {record.version}")
            session = unit.session(record.tenant_id, record.metadata)
            journal = f"diary_{record.stream_id}"
            session.append(journal, await session.version(journal), [_journal_entry(record)])

    async def journal(self) -> dict[str, list[int]]:
        """The handled versions of each stream, in order."""
        handled: dict[str, list[int]] = {}
        for stream_id in self.versions:
            history = await self.consuming.load(TENANT, f"diary_{stream_id}")
            handled[stream_id] = [event.number for event in history.events if isinstance(event, NoteTaken)]
        return handled

    def expected(self) -> dict[str, list[int]]:
        """The journal if each event was handled exactly once and in order."""
        return {stream_id: list(range(1, count + 1)) for stream_id, count in self.versions.items()}

    async def is_complete(self) -> bool:
        """Whether the journal is as expected."""
        return await self.journal() == self.expected()


def _journal_entry(record: EventRecord) -> NoteTaken:
    """The journal's event for a record, with its version."""
    return NoteTaken(text="handled", number=record.version, taken_at=record.metadata.occurred_at)


@asynccontextmanager
async def running(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run background tasks for the length of the block; one that fails fails the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(loop)) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _run(loop: Callable[[], Awaitable[None]]) -> None:
    await loop()


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = 30.0) -> None:
    """Return when the condition is true. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.01)
