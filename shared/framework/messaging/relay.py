"""The outbox is the history itself: what is settled goes to the broker, in order, at least once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.ports import Feed
from shared.framework.eventstore.records import EventRecord
from shared.framework.leadership.port import Leadership, Lease
from shared.framework.messaging.envelope import message_of
from shared.framework.messaging.port import Broker, BrokerFailed, Message, Producer
from shared.framework.messaging.relay_cursor import RelayCursor
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import parent_and_links, span
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask

BATCH = 500
LOOKS = Backoff(0.01, 0.2)
MESSAGE_BYTES_MAX = 900_000
"""Below the megabyte that brokers take unasked; what is larger leaves a hole, and is read from the feed."""


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
