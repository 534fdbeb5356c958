"""Effect and mark in one commit; what cannot be handled is set aside, and the partition goes on."""

import logging
from collections.abc import Awaitable, Callable

from tenacity import stop_after_attempt

from shared.framework.eventstore.ports import EventStore, StreamIsBusy
from shared.framework.eventstore.records import DeadLetter, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.dead_letters import BlockedStreams
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.inbox import Inbox, RecordsByPartition
from shared.framework.messaging.port import TopicPartition
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import parent_and_links, span
from shared.framework.retry.backoff import Backoff, Sleeper, retrying
from shared.framework.retry.transient import is_message_fault

ATTEMPTS = 4
PAUSES = Backoff(0.05, 0.5, factor=4)

_log = logging.getLogger(__name__)


DeadLetterListener = Callable[[DeadLetter], Awaitable[None]]


class MessageProcessor:
    """Gives new records to a handler, all of a batch at once or, when that fails, one by one."""

    def __init__(
        self,
        store: EventStore,
        inbox: Inbox,
        parking: BlockedStreams,
        handler: Handler,
        tell: DeadLetterListener,
    ) -> None:
        """`inbox` and `parking` are of one consumer; `tell` hears of each dead letter once it is kept."""
        self._store = store
        self._tell = tell
        self._inbox = inbox
        self._parking = parking
        self._handler = handler

    async def apply(self, work: RecordsByPartition, sleeper: Sleeper) -> None:
        """Take the work in, exactly once. What passes by itself is raised, and nothing is lost by it."""
        try:
            await self._commit(work)
        except Exception as error:
            if not (is_message_fault(error) or isinstance(error, StreamIsBusy)):
                raise  # a batch too large to win its streams is tried in pieces; one message waits
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
            await self._dead_letter(partition, self._parking.dead_letter_of(partition, record, repr(error)))

    async def _commit(self, work: RecordsByPartition) -> None:
        waiting = await self._parking.blocked(work)
        aside = {(letter.topic, letter.record.position) for letter in waiting}
        free = [
            record
            for (topic, _), records in work.items()
            for record in records
            if (topic, record.position) not in aside
        ]

        async def take_in(unit: UnitOfWork) -> None:
            if free:
                await self._handler(unit, free)
            unit.changes.parked.extend(waiting)
            unit.changes.inbox.extend(self._inbox.advances(work))

        parent, links = parent_and_links(record.metadata.traceparent for record in free)
        seen = {names.ATTR_BATCH_SIZE: len(free)}
        with span(names.SPAN_CONSUME, parent_traceparent=parent, links=links, attributes=seen):
            await transact(self._store, take_in)
        self._record_progress(work)

    def _record_progress(self, work: RecordsByPartition) -> None:
        self._inbox.committed(work)
        for (topic, number), records in work.items():
            metrics.CONSUMED.labels(topic).inc(len(records))
            metrics.CONSUMER_POSITION.labels(topic, str(number)).set(records[-1].position)

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

        async def set_aside(unit: UnitOfWork) -> None:
            unit.changes.parked.append(letter)
            unit.changes.inbox.extend(self._inbox.advances(work))

        await transact(self._store, set_aside)
        self._parking.block(letter)
        self._record_progress(work)
        await self._tell(letter)
