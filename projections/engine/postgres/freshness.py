"""Freshness in PostgreSQL: the inbox's marks, and each tenant's newest moments."""

from collections.abc import Sequence
from typing import Any

from projections.engine.freshness import LatestEventTime, PartitionFreshness, partition_freshness
from projections.engine.postgres.executor import Executor
from shared.framework.eventstore.ports import InboxPositions
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_NOTE = (
    "INSERT INTO freshness AS f SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[])"
    " ON CONFLICT (tenant_id, context, partition)"
    " DO UPDATE SET occurred_at = greatest(f.occurred_at, EXCLUDED.occurred_at)"
)


class PostgresFreshness:
    """See `FreshnessStore`."""

    def __init__(self, executor: Executor, store: InboxPositions, consumer: str) -> None:
        """The inbox is the consumer's in `store`."""
        self._executor = executor
        self._store = store
        self._consumer = consumer

    def note(self, moments: Sequence[LatestEventTime]) -> SideWrite:
        """A side write: a moment never goes back."""

        async def write(connection: Any, _: CommitReceipt) -> None:
            rows = [(one.tenant_id, one.context, one.partition, one.occurred_at) for one in moments]
            await connection.execute(_NOTE, *map(list, zip(*rows, strict=True)))

        return write

    async def of(self, tenant_id: str) -> Sequence[PartitionFreshness]:
        """Marks first, moments second: neither is older than it says."""
        marks = await self._store.inbox(self._consumer)
        found = await self._executor.fetch("SELECT * FROM freshness WHERE tenant_id = $1", tenant_id)
        moments = {(row["context"], row["partition"]): row["occurred_at"] for row in found}
        return partition_freshness(list(marks.values()), moments)
