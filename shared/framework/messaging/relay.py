"""The relay: publishes settled events of a context, in order and at least once. Outbox: the event table."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.pool import connection_of, translate_errors
from shared.framework.eventstore.ports import Feed
from shared.framework.eventstore.records import EventRecord
from shared.framework.leadership.port import Leadership, LeadershipLost, Lease
from shared.framework.messaging.envelope import message_of
from shared.framework.messaging.port import Broker, Message, Producer
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import parent_and_links, span
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask
from shared.framework.retry.transient import TransientFailure

BATCH = 500
POLLS = Backoff(0.01, 0.2)
MESSAGE_BYTES_MAX = 900_000
"""Below the 1 MB limit of brokers. A larger event is not sent: consumers see a gap and read the feed."""

_INSERT = "INSERT INTO relay_cursor (name, position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
_READ = "SELECT position FROM relay_cursor WHERE name = $1"
_ADVANCE = "UPDATE relay_cursor SET position = $3 WHERE name = $1 AND position = $2"


class CursorConflict(TransientFailure):
    """Another relay has advanced the cursor."""


class RelayCursor(Protocol):
    """Position up to which the relay has published; compare-and-set: two relays cannot both advance it."""

    async def position(self) -> int:
        """The position (0: nothing was published yet). Raises StoreIsUnavailable."""

    async def advance(self, expected: int, position: int) -> None:
        """Set the position if it is `expected`. Raises CursorConflict, StoreIsUnavailable."""


@dataclass(slots=True)
class Relay:
    """Publishes one context's settled events to its topic; commits of this process set `wake`."""

    store: Feed
    broker: Broker
    cursor: RelayCursor
    leadership: Leadership
    sleeper: Sleeper
    partitions: int
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run for ever: wait for the lease, then publish; after a failure start again from the cursor."""
        await restart_with_backoff(f"relay of {self.store.context}", self._acquire_lease, self.sleeper)

    async def _acquire_lease(self) -> None:
        async with self.leadership.acquire(f"relay:{self.store.context}") as lease:
            await self._lead(lease)

    async def _lead(self, lease: Lease) -> None:
        try:
            await self._publish(lease)
        except LeadershipLost:
            raise
        except Exception:  # of whatever cause: an attempt that is not counted is not seen
            metrics.RELAY_FAILURES.labels(self.store.context).inc()
            raise

    async def _publish(self, lease: Lease) -> None:
        producer = await self.broker.producer()
        try:
            session = _RelaySession(self, producer, lease, await self.cursor.position())
            await PeriodicTask(session.step, POLLS, self.sleeper, self.wake).run()
        finally:
            await producer.close()


class _RelaySession:
    """Publishing with one producer during one lease."""

    def __init__(self, relay: Relay, producer: Producer, lease: Lease, position: int) -> None:
        self._relay = relay
        self._producer = producer
        self._lease = lease
        self._position = position
        self._previous: dict[int, int] = {}
        self._topic = relay.store.contracts.topics[relay.store.context]

    async def step(self) -> bool:
        """Send the next batch; returns whether there was one."""
        self._lease.check()
        records = await self._relay.store.read_stable(self._position, BATCH)
        if records:
            await self._send(records)
        return bool(records)

    async def _send(self, records: Sequence[EventRecord]) -> None:
        relay, context = self._relay, self._relay.store.context
        messages = [await self._message(record) for record in records]
        fitting = [message for message in messages if len(message.value) <= MESSAGE_BYTES_MAX]
        parent, links = parent_and_links(record.metadata.traceparent for record in records)
        attributes: dict[str, str | int] = {names.ATTR_CONTEXT: context, names.ATTR_BATCH_SIZE: len(records)}
        with span(names.SPAN_RELAY_SEND, parent_traceparent=parent, links=links, attributes=attributes):
            await self._producer.send_batch(fitting)
        await relay.cursor.advance(self._position, records[-1].position)
        self._position = records[-1].position

    async def _message(self, record: EventRecord) -> Message:
        partition = partition_of(record.slot, self._relay.partitions)
        if partition not in self._previous:
            self._previous[partition] = await self._previous_of(partition)
        message = message_of(record, self._topic, partition, self._previous[partition])
        self._previous[partition] = record.position
        return message

    async def _previous_of(self, partition: int) -> int:
        """The last position of a partition up to the cursor; from the store, so a resend is identical."""
        page = await self._relay.store.feed(partition, self._relay.partitions, self._position, 1)
        return page.records[0].previous if page.records else page.head


class MemoryCursor:
    """A cursor in memory, for tests and simulation."""

    def __init__(self) -> None:
        """Position 0."""
        self._position = 0

    async def position(self) -> int:
        """Position in memory."""
        return self._position

    async def advance(self, expected: int, position: int) -> None:
        """Compare and set in memory."""
        if self._position != expected:
            raise CursorConflict(f"at {self._position}, not at {expected}")
        self._position = position


class PostgresCursor:
    """A row of `relay_cursor` in the database of the context."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> None:
        """`name`: the key of the row."""
        self._pool = pool
        self._name = name

    async def position(self) -> int:
        """Position in the row, which is inserted at the first call."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                await connection.execute(_INSERT, self._name)
                return int(await connection.fetchval(_READ, self._name))

    async def advance(self, expected: int, position: int) -> None:
        """Compare and set by one UPDATE."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                done = await connection.execute(_ADVANCE, self._name, expected, position)
        if done != "UPDATE 1":
            raise CursorConflict(f"{self._name} is not at {expected}")
