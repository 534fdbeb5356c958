"""Dead letters: events that a consumer could not handle, and the later events of the same streams."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.framework.eventstore.ports import ConsumerStore, EventStore, InboxConflict
from shared.framework.eventstore.records import DeadLetter
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.messaging.handlers import Handler
from shared.framework.messaging.message_processor import CAUSE_CHARACTERS_MAX, StreamKey

PASSES_MAX = 10


_log = logging.getLogger(__name__)


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
