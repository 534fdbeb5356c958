"""Lost events of which a copy exists: in the event archive, on the broker, or as a dead letter."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from projections.engine.postgres.event_archive import page_of
from shared.billing.contracts import TOPICS
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.rows import dead_letter_of

PAGE = 1000
PREFETCH = 5000

_OWN = "SELECT notification_id, event_id FROM events ORDER BY notification_id"
_ARCHIVED = "SELECT position, event_id FROM history WHERE context = $1 ORDER BY position"
_EXISTING = "SELECT event_id FROM events WHERE event_id = ANY($1)"
_DEAD_LETTERS = "SELECT * FROM parked ORDER BY position"


@dataclass(slots=True)
class LostEvents:
    """Copies of one context's lost events by position.

    `archived`: the positions of those in the event archive. `replaced`: of these, the ones where the context
    has another event, because it went on after it had been restored.
    """

    records: dict[int, EventRecord] = field(default_factory=dict)
    archived: set[int] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)


async def lost_events(
    connections: Mapping[str, Any], on_broker: Iterable[EventRecord] = ()
) -> dict[str, LostEvents]:
    """The lost events of every context, from all copies. Connections are by process name."""
    found = {context: LostEvents() for context in TOPICS}
    if "projections" in connections:
        for context, lost in found.items():
            await _add_archived(connections["projections"], connections[context], context, lost)
    others = [*on_broker, *[one async for one in _dead_letters(connections)]]
    for context, lost in found.items():
        candidates = {one.position: one for one in others if one.context == context}
        known = await existing(connections[context], [one.event_id for one in candidates.values()])
        for position, record in candidates.items():
            if record.event_id not in known:
                lost.records.setdefault(position, record)
    return found


async def _add_archived(archive: Any, own: Any, context: str, lost: LostEvents) -> None:
    async with archive.transaction(), own.transaction():
        archived = aiter(archive.cursor(_ARCHIVED, context, prefetch=PREFETCH))
        existing = aiter(own.cursor(_OWN, prefetch=PREFETCH))
        ours = await anext(existing, None)
        async for position, event_id in archived:
            while ours is not None and ours[0] < position:
                ours = await anext(existing, None)
            if ours is None or ours[0] > position:
                lost.archived.add(position)
            elif ours[1] != event_id:
                lost.archived.add(position)
                lost.replaced.add(position)
    for position in sorted(lost.archived):
        (record,) = await page_of(archive, context, position - 1, 1)
        lost.records[position] = record


async def _dead_letters(connections: Mapping[str, Any]) -> AsyncIterator[EventRecord]:
    for connection in connections.values():
        for row in await connection.fetch(_DEAD_LETTERS):
            yield dead_letter_of(row).record


async def existing(connection: Any, event_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some events that a context has."""
    wanted = list(event_ids)
    if not wanted:
        return set()
    return {row[0] for row in await connection.fetch(_EXISTING, wanted)}
