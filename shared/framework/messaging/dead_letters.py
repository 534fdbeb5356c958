"""Dead letters: events that a consumer could not handle, and the later events of the same streams."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.framework.eventstore.ports import ConsumerStore, DeadLetters, EventStore, InboxConflict
from shared.framework.eventstore.records import DeadLetter, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.inbox import RecordsByPartition
from shared.framework.messaging.port import TopicPartition
from shared.framework.observability import metrics

CAUSE_CHARACTERS_MAX = 2000
PASSES_MAX = 10

StreamKey = tuple[str, str]
"""Topic and stream id."""

_log = logging.getLogger(__name__)


class BlockedStreams:
    """The streams of which one consumer has dead letters."""

    def __init__(self, store: DeadLetters, consumer: str) -> None:
        """Empty before `load`."""
        self._store = store
        self._consumer = consumer
        self._streams: set[StreamKey] = set()

    async def load(self) -> None:
        """Read the blocked streams; a replay in another process may have freed some."""
        counts = await self._store.blocked_streams(self._consumer)
        self._streams = set(counts)
        metrics.DEAD_LETTERS.labels(self._consumer).set(sum(counts.values()))

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
        metrics.DEAD_LETTERS.labels(self._consumer).inc()

    def _waiting(self, work: RecordsByPartition) -> list[DeadLetter]:
        return [
            self.dead_letter_of(partition, record, "waits behind a dead letter of its stream")
            for partition, records in work.items()
            for record in records
            if (partition[0], record.stream_id) in self._streams
        ]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The number of dead letters handled, and the first failing one of each stream that still fails."""

    handled: int
    failing: Sequence[DeadLetter]


async def replay_dead_letters(store: ConsumerStore, consumer: str, handler: Handler) -> ReplayResult:
    """Handle a consumer's dead letters in order, each in a transaction of its own.

    If one fails again, it and the later ones of its stream stay. The consumer may run meanwhile: dead letters
    that it adds to a stream during the replay are handled by another pass (at most PASSES_MAX).
    """
    handled, failing = 0, dict[StreamKey, DeadLetter]()
    for _ in range(PASSES_MAX):
        letters = [
            letter for letter in await store.dead_letters(consumer) if _stream_of(letter) not in failing
        ]
        if not letters:
            break
        handled += await _replay_once(store, letters, handler, failing)
    return ReplayResult(handled, tuple(failing.values()))


async def _replay_once(
    store: EventStore, letters: Sequence[DeadLetter], handler: Handler, failing: dict[StreamKey, DeadLetter]
) -> int:
    handled, skipped = 0, set[StreamKey]()
    for letter in letters:
        stream = _stream_of(letter)
        if stream in failing or stream in skipped:
            continue
        try:
            await _handle(store, letter, handler)
            handled += 1
        except InboxConflict:
            skipped.add(stream)  # handled by another process, or its streams have changed: next pass
        except Exception as error:
            _log.exception("a dead letter still fails", extra={"stream_id": letter.record.stream_id})
            failing[stream] = replace(letter, cause=repr(error)[:CAUSE_CHARACTERS_MAX])
    return handled


def _stream_of(letter: DeadLetter) -> StreamKey:
    return (letter.topic, letter.record.stream_id)


async def _handle(store: EventStore, letter: DeadLetter, handler: Handler) -> None:
    async def work(unit: UnitOfWork) -> None:
        await handler(unit, [letter.record])
        unit.changes.handled_dead_letters.append((letter.consumer, letter.topic, letter.record.position))

    await transact(store, work)
