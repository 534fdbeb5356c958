"""Effects whose cause is gone: events of one context that were caused by an event that no context has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.billing.contracts import TOPICS
from tollhouse.recovery.copies import existing
from tollhouse.recovery.report import EventLine, OrphanedEffect

CANDIDATES_MAX = 100_000

# Ids of events are UUIDs of version 5; commands and timers have other ids.
_CAUSED = """
    SELECT tenant_id, originator_id, originator_version, topic, notification_id, recorded_at,
           metadata ->> 'causation_id' AS cause
      FROM events
     WHERE recorded_at >= $1 AND metadata ->> 'causation_id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-'
     ORDER BY notification_id DESC LIMIT $2"""


async def orphaned_effects(connections: Mapping[str, Any], since: datetime) -> Sequence[OrphanedEffect]:
    """The events recorded since an instant whose cause is an event that no context has."""
    caused: list[tuple[str, Any]] = []
    for context in TOPICS:
        rows = await connections[context].fetch(_CAUSED, since, CANDIDATES_MAX)
        caused += [(context, row) for row in rows]
    missing = {UUID(row["cause"]) for _, row in caused}
    for context in TOPICS:
        missing -= await existing(connections[context], missing)
    return [
        OrphanedEffect(_line(context, row), row["cause"])
        for context, row in caused
        if UUID(row["cause"]) in missing
    ]


def _line(context: str, row: Any) -> EventLine:
    return EventLine(
        context,
        row["tenant_id"],
        row["originator_id"],
        row["originator_version"],
        row["topic"],
        row["notification_id"],
        row["recorded_at"],
    )
