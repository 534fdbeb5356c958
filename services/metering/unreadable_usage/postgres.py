"""Unreadable usage in Postgres."""

from collections.abc import Sequence

import asyncpg

from services.metering.rollups.unreadable_usage import UnreadableEvent
from services.metering.unreadable_usage.ports import EventIndex, UnpublishedCount
from shared.framework.eventstore.pool import fetch
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_COLUMNS = ", ".join(f"e.{name}" for name in UnreadableEvent.__struct_fields__)
_PAGE = f"""
SELECT {_COLUMNS} FROM unreadable_events e
WHERE meter_id = $1 AND (position, index) > ($2, $3) ORDER BY position, index LIMIT $4
"""
_TO_PUBLISH = f"""
SELECT m.tenant_id, m.key, c.events, {_COLUMNS}
FROM unreadable_counts c JOIN meters m USING (meter_id) CROSS JOIN LATERAL (
    SELECT * FROM unreadable_events n WHERE n.meter_id = c.meter_id
    ORDER BY position DESC, index DESC LIMIT 1
) AS e
WHERE c.events > c.published AND m.joined_from IS NOT NULL
  AND c.published_at + least(c.publications, 120) * interval '0.5 s' <= now()
ORDER BY m.tenant_id, m.key LIMIT $1
"""
_PUBLISHED = """
UPDATE unreadable_counts AS kept
SET published = new.events, publications = kept.publications + 1, published_at = now()
FROM unnest($1::text[], $2::bigint[]) AS new (meter_id, events) WHERE kept.meter_id = new.meter_id
"""


class PostgresUnreadableUsage:
    """See UnreadableUsage."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool

    async def page(self, meter_id: str, after: EventIndex, limit: int) -> Sequence[UnreadableEvent]:
        rows = await fetch(self._pool, _PAGE, meter_id, *after, limit)
        return [UnreadableEvent(*row) for row in rows]

    async def to_publish(self, limit: int) -> Sequence[UnpublishedCount]:
        rows = await fetch(self._pool, _TO_PUBLISH, limit)
        return [UnpublishedCount(row[0], row[1], row[2], UnreadableEvent(*tuple(row)[3:])) for row in rows]

    async def published_write(self, counts: Sequence[UnpublishedCount]) -> SideWrite:

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            meter_ids = [one.newest.meter_id for one in counts]
            await connection.execute(_PUBLISHED, meter_ids, [one.count for one in counts])

        return write

    async def unpublished_count(self) -> int:
        rows = await fetch(self._pool, "SELECT count(*) FROM unreadable_counts WHERE events > published")
        return int(rows[0][0])
