"""Moves consumers and relays back to what their contexts have, and the next positions forward."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shared.billing.contracts import TOPICS
from tollhouse.recovery.inspection import Inspection

LEAP = 1_000_000_000
"""A restored context goes on above the next multiple of this beyond all known positions: no position that it
handed out before is given to another event, even if only a client still has it. A day and more at 10,000
events a second; the sequence has room for 280,000 restores."""

_CLEAR_OFFSETS = "UPDATE inbox SET broker_offset = NULL, incarnation = NULL"
_MOVE = "UPDATE inbox SET position = $4 WHERE consumer = $1 AND topic = $2 AND partition = $3"
_LOWER_CURSOR = "UPDATE relay_cursor SET position = least(position, $1)"


def continues_at(highest: int, last_recovery: int | None, last: int) -> int:
    """The position above which a context goes on: a multiple of LEAP; the last one if nothing followed it."""
    if last_recovery is not None and last_recovery >= highest and last < last_recovery:
        return last_recovery
    return (highest // LEAP + 1) * LEAP


async def leap(connection: Any, context: str, inspection: Inspection) -> int:
    """Let a context's next positions lie above all known ones; returns the position above which they lie."""
    last = inspection.histories[context].last
    before = await connection.fetchval("SELECT max(continues_at) FROM recoveries")
    position = continues_at(inspection.highest(context), before, last)
    await connection.execute("SELECT setval('events_notification_id_seq', $1)", position)
    return position


async def move_inboxes(
    connections: Mapping[str, Any], inspection: Inspection, *, went_on: Collection[str]
) -> Sequence[str]:
    """Move each consumer and relay that stands beyond a head; what was done, in words.

    A consumer goes back to the head. In a context of `went_on`, which has written new events since it was
    restored, it begins again: some of them may have positions that it has passed. An event that is consumed
    twice has no second effect.
    """
    done = []
    for connection in connections.values():
        await connection.execute(_CLEAR_OFFSETS)
    for known in inspection.known:
        head = inspection.histories[known.context].heads.get(known.partition, 0)
        again = known.context in went_on
        if known.consumer is None or not (again or known.position > head):
            continue
        target = 0 if again else head
        place = (known.consumer, TOPICS[known.context], known.partition)
        for connection in connections.values():
            await connection.execute(_MOVE, *place, target)
        done.append(f"consumer {known.consumer} goes back to {target} of {known.context}/{known.partition}")
    for context, history in inspection.histories.items():
        await connections[context].execute(_LOWER_CURSOR, history.last)
    return done
