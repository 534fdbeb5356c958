"""Processes a batch of records in one commit; what cannot be handled becomes a dead letter of its stream."""

import logging
from collections.abc import Awaitable, Callable

from tenacity import stop_after_attempt

from shared.framework.eventstore.ports import DeadLetters, EventStore, StreamIsBusy
from shared.framework.eventstore.records import DeadLetter, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.inbox import Inbox, RecordsByPartition
from shared.framework.messaging.port import TopicPartition
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import parent_and_links, span
from shared.framework.retry.backoff import Backoff, Sleeper, retrying
from shared.framework.retry.transient import is_message_fault

CAUSE_CHARACTERS_MAX = 2000

StreamKey = tuple[str, str]
"""Topic and stream id."""


class BlockedStreams:
    """The streams of which one consumer has dead letters."""

    def __init__(self, store: DeadLetters, consumer: str) -> None:
        """Empty before `load`."""
        self._store = store
        self._consumer = consumer
        self._streams: set[StreamKey] = set()

    async def load(self) -> None:
        """Read the blocked streams; a replay in another process may have freed some."""
        self._streams = set(await self._store.blocked_streams(self._consumer))

    async def blocked(self, work: RecordsByPartition) -> list[DeadLetter]:
        """The records of blocked streams, as dead letters."""
        if self._streams and self._waiting(work):
            await self.load()
        return self._waiting(work)

    def dead_letter_of(self, partition: TopicPartition, record: EventRecord, cause: str) -> DeadLetter:
        """A record as a dead letter of this consumer; the cause is cut to CAUSE_CHARACTERS_MAX."""
        return DeadLetter(self._consumer, record, *partition, cause[:CAUSE_CHARACTERS_MAX])

    def block(self, letter: DeadLetter) -> None:
        """Block the stream of a dead letter."""
        self._streams.add((letter.topic, letter.record.stream_id))

    def _waiting(self, work: RecordsByPartition) -> list[DeadLetter]:
        return [
            self.dead_letter_of(partition, record, "waits behind a dead letter of its stream")
            for partition, records in work.items()
            for record in records
            if (partition[0], record.stream_id) in self._streams
        ]


ATTEMPTS = 4
PAUSES = Backoff(0.05, 0.5, factor=4)

_log = logging.getLogger(__name__)


DeadLetterListener = Callable[[DeadLetter], Awaitable[None]]
"""Called with each dead letter after it is stored."""


class MessageProcessor:
    """Calls a handler with all records of a batch at once; if that fails, one by one with retries."""

    def __init__(
        self,
        store: EventStore,
        inbox: Inbox,
        blocked_streams: BlockedStreams,
        handler: Handler,
        on_dead_letter: DeadLetterListener,
    ) -> None:
        """`inbox` and `blocked_streams` belong to the same consumer."""
        self._store = store
        self._on_dead_letter = on_dead_letter
        self._inbox = inbox
        self._blocked_streams = blocked_streams
        self._handler = handler

    async def apply(self, work: RecordsByPartition, sleeper: Sleeper) -> None:
        """Handle the records and advance the inbox. Raises transient failures; then nothing was written."""
        try:
            await self._commit(work)
        except Exception as error:
            # StreamIsBusy: commits of single messages may succeed.
            if not (is_message_fault(error) or isinstance(error, StreamIsBusy)):
                raise
            _log.warning("a batch failed; its messages are retried one by one", extra={"cause": repr(error)})
            for partition, records in work.items():
                for record in records:
                    await self._retry_one(partition, record, sleeper)

    async def _retry_one(self, partition: TopicPartition, record: EventRecord, sleeper: Sleeper) -> None:
        attempts = retrying(sleeper, PAUSES, is_message_fault).copy(stop=stop_after_attempt(ATTEMPTS))
        try:
            await attempts(self._commit, {partition: [record]})
        except Exception as error:
            if not is_message_fault(error):
                raise
            await self._dead_letter(
                partition, self._blocked_streams.dead_letter_of(partition, record, repr(error))
            )

    async def _commit(self, work: RecordsByPartition) -> None:
        blocked = await self._blocked_streams.blocked(work)
        blocked_positions = {(letter.topic, letter.record.position) for letter in blocked}
        free = [
            record
            for (topic, _), records in work.items()
            for record in records
            if (topic, record.position) not in blocked_positions
        ]

        async def handle(unit: UnitOfWork) -> None:
            if free:
                await self._handler(unit, free)
            unit.changes.dead_letters.extend(blocked)
            unit.changes.inbox.extend(self._inbox.advances(work))

        parent, links = parent_and_links(record.metadata.traceparent for record in free)
        attributes = {names.ATTR_BATCH_SIZE: len(free)}
        with span(names.SPAN_CONSUME, parent_traceparent=parent, links=links, attributes=attributes):
            await transact(self._store, handle)
        self._record_progress(work)

    def _record_progress(self, work: RecordsByPartition) -> None:
        self._inbox.committed(work)
        for (topic, _), records in work.items():
            metrics.CONSUMED.labels(topic).inc(len(records))

    async def _dead_letter(self, partition: TopicPartition, letter: DeadLetter) -> None:
        _log.error(
            "message moved to the dead letters",
            extra={
                "topic": letter.topic,
                "position": letter.record.position,
                "stream_id": letter.record.stream_id,
                "cause": letter.cause,
            },
        )
        work = {partition: [letter.record]}

        async def store(unit: UnitOfWork) -> None:
            unit.changes.dead_letters.append(letter)
            unit.changes.inbox.extend(self._inbox.advances(work))

        await transact(self._store, store)
        self._blocked_streams.block(letter)
        self._record_progress(work)
        await self._on_dead_letter(letter)
