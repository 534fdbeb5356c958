"""The outbox is the history itself: what is settled goes to the broker, in order, at least once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.pool import connection_of, translate_errors
from shared.framework.eventstore.ports import Feed
from shared.framework.eventstore.records import EventRecord
from shared.framework.leadership.port import Leadership, Lease
from shared.framework.messaging.envelope import message_of
from shared.framework.messaging.port import Broker, BrokerFailed, Message, Producer
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import parent_and_links, span
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask
from shared.framework.retry.transient import TransientFailure

BATCH = 500
LOOKS = Backoff(0.01, 0.2)
MESSAGE_BYTES_MAX = 900_000
"""Below the megabyte that brokers take unasked; what is larger leaves a hole, and is read from the feed."""

_BEGIN = "INSERT INTO relay_cursor (name, position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
_WHERE = "SELECT position FROM relay_cursor WHERE name = $1"
_MOVE = "UPDATE relay_cursor SET position = $3 WHERE name = $1 AND position = $2"


class CursorConflict(TransientFailure):
    """Another relay has moved the cursor: drop the producer and begin again from where it stands."""


class RelayCursor(Protocol):
    """The position up to which everything was acknowledged by the broker."""

    async def position(self) -> int:
        """Where it stands (0: nothing was ever relayed)."""
        ...

    async def advance(self, expected: int, position: int) -> None:
        """Move on from `expected`. CursorConflict."""
        ...


@dataclass(slots=True)
class Relay:
    """Sends one context's settled events to its topic; `wake` is set by local commits."""

    store: Feed
    broker: Broker
    cursor: RelayCursor
    leadership: Leadership
    sleeper: Sleeper
    partitions: int
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Lead or wait to lead, for ever; after any failed send everything begins again from the cursor."""
        await restart_with_backoff(f"relay of {self.store.context}", self._stand, self.sleeper)

    async def _stand(self) -> None:
        async with self.leadership.acquire(f"relay:{self.store.context}") as lease:
            await self._lead(lease)

    async def _lead(self, lease: Lease) -> None:
        producer = await self.broker.producer()
        try:
            run = _RelaySession(self, producer, lease, await self.cursor.position())
            await PeriodicTask(run.step, LOOKS, self.sleeper, self.wake).run()
        finally:
            await producer.close()


class _RelaySession:
    """One leader's time with one producer."""

    def __init__(self, relay: Relay, producer: Producer, lease: Lease, position: int) -> None:
        self._relay = relay
        self._producer = producer
        self._lease = lease
        self._position = position
        self._previous: dict[int, int] = {}
        self._topic = relay.store.contracts.topics[relay.store.context]

    async def step(self) -> bool:
        """Send the next batch; whether there was one."""
        self._lease.check()
        records = await self._relay.store.read_stable(self._position, BATCH)
        if records:
            await self._send(records)
        return bool(records)

    async def _send(self, records: Sequence[EventRecord]) -> None:
        relay, context = self._relay, self._relay.store.context
        messages = [await self._message(record) for record in records]
        fitting = [message for message in messages if len(message.value) <= MESSAGE_BYTES_MAX]
        metrics.RELAY_LAG.labels(context).set(len(records))
        parent, links = parent_and_links(record.metadata.traceparent for record in records)
        seen: dict[str, str | int] = {names.ATTR_CONTEXT: context, names.ATTR_BATCH_SIZE: len(records)}
        with span(names.SPAN_RELAY_SEND, parent_traceparent=parent, links=links, attributes=seen):
            await self._sent(fitting)
        await relay.cursor.advance(self._position, records[-1].position)
        self._position = records[-1].position
        metrics.RELAY_POSITION.labels(context).set(self._position)
        metrics.RELAY_LAG.labels(context).set(0)

    async def _sent(self, messages: Sequence[Message]) -> None:
        try:
            await self._producer.send_batch(messages)
        except BrokerFailed:
            metrics.RELAY_FAILURES.labels(self._relay.store.context).inc()
            raise

    async def _message(self, record: EventRecord) -> Message:
        partition = partition_of(record.slot, self._relay.partitions)
        if partition not in self._previous:
            self._previous[partition] = await self._previous_of(partition)
        message = message_of(record, self._topic, partition, self._previous[partition])
        self._previous[partition] = record.position
        return message

    async def _previous_of(self, partition: int) -> int:
        """What lies before the cursor, read from history: a resend says the same as the first send did."""
        page = await self._relay.store.feed(partition, self._relay.partitions, self._position, 1)
        return page.records[0].previous if page.records else page.head


class MemoryCursor:
    """A cursor that lives as long as its object."""

    def __init__(self) -> None:
        """At the beginning."""
        self._position = 0

    async def position(self) -> int:
        """See RelayCursor."""
        return self._position

    async def advance(self, expected: int, position: int) -> None:
        """See RelayCursor."""
        if self._position != expected:
            raise CursorConflict(f"at {self._position}, not at {expected}")
        self._position = position


class PostgresCursor:
    """A row of `relay_cursor` in the context's own database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> None:
        """`name` tells one relay of a database from another."""
        self._pool = pool
        self._name = name

    async def position(self) -> int:
        """See RelayCursor; the row is made when it is first asked for. StoreIsUnavailable."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                await connection.execute(_BEGIN, self._name)
                return int(await connection.fetchval(_WHERE, self._name))

    async def advance(self, expected: int, position: int) -> None:
        """See RelayCursor."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                done = await connection.execute(_MOVE, self._name, expected, position)
        if done != "UPDATE 1":
            raise CursorConflict(f"{self._name} is not at {expected}")
