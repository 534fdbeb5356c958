"""Freshness in PostgreSQL: the consumer's inbox, and a table of each tenant's newest event times."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from projections.engine.freshness import Arrivals, LatestEventTime
from projections.engine.postgres.executor import Executor
from shared.framework.eventstore.ports import InboxPositions
from shared.framework.eventstore.records import CommitReceipt, InboxPosition, SideWrite

_NOTE = (
    "INSERT INTO freshness AS f SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[])"
    " ON CONFLICT (tenant_id, context, partition)"
    " DO UPDATE SET occurred_at = greatest(f.occurred_at, EXCLUDED.occurred_at)"
)


class PostgresFreshness:
    """See `FreshnessStore`."""

    def __init__(self, executor: Executor, store: InboxPositions, consumer: str) -> None:
        """The inbox is that of `consumer` in `store`."""
        self._executor = executor
        self._store = store
        self._consumer = consumer

    def note_write(self, times: Sequence[LatestEventTime]) -> SideWrite:
        async def write(connection: Any, _: CommitReceipt) -> None:
            rows = [(one.tenant_id, one.context, one.partition, one.occurred_at) for one in times]
            await connection.execute(_NOTE, *map(list, zip(*rows, strict=True)))

        return write

    async def inbox(self) -> Mapping[tuple[str, int], InboxPosition]:
        return await self._store.inbox(self._consumer)

    async def arrivals(self) -> Arrivals:
        [row] = await self._executor.fetch("SELECT g.id::text AS id, a.last FROM generation g, arrivals a")
        return Arrivals(row["id"], row["last"])

    async def latest(self, tenant_id: str) -> Mapping[tuple[str, int], datetime]:
        found = await self._executor.fetch("SELECT * FROM freshness WHERE tenant_id = $1", tenant_id)
        return {(row["context"], row["partition"]): row["occurred_at"] for row in found}
