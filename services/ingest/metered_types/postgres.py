"""Metered types in Postgres."""

from collections.abc import Collection

import asyncpg

from services.ingest.metered_types.ports import EventType
from shared.framework.eventstore.pool import fetch
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_METERED = """
SELECT tenant_id, event_type FROM metered_types
JOIN unnest($1::text[], $2::text[]) AS wanted (tenant_id, event_type) USING (tenant_id, event_type)
"""
_ADD = "INSERT INTO metered_types (tenant_id, event_type) VALUES ($1, $2) ON CONFLICT DO NOTHING"


class PostgresMeteredTypes:
    """See MeteredTypes. Known types are kept in memory, so only a type without a meter costs a query."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._known: set[EventType] = set()

    async def unmetered(self, types: Collection[EventType]) -> frozenset[EventType]:
        missing = frozenset(types) - self._known
        if missing:
            rows = await fetch(self._pool, _METERED, *map(list, zip(*sorted(missing), strict=True)))
            self._known.update((row["tenant_id"], row["event_type"]) for row in rows)
            missing -= self._known
        return missing

    def add_write(self, event_type: EventType) -> SideWrite:

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            await connection.execute(_ADD, *event_type)

        return write
