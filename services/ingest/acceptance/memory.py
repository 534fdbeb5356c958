"""Deduplication in memory: tables of the memory store, so that a failed commit undoes them."""

from collections.abc import Collection, Mapping, Sequence

from services.ingest.acceptance.ports import DuplicateKeys, RejectedEventRow
from services.ingest.events.deduplication import DeduplicationKey
from shared.billing.contracts.ingest.rejected_events import UsageRejected
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryDeduplicationStore:
    """See DeduplicationStore."""

    def __init__(self, store: MemoryEventStore) -> None:
        """The rows are in tables of this event store."""
        self._store = store

    async def known(self, keys: Collection[DeduplicationKey]) -> dict[DeduplicationKey, int]:
        known = self._store.table("usage_dedup")
        return {key: known[key] for key in keys if key in known}

    async def store_write(
        self, accepted: Mapping[DeduplicationKey, int], rejected: Sequence[tuple[str, UsageRejected]]
    ) -> SideWrite:
        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            known, rows = store.table("usage_dedup"), store.table("rejected_usage")
            if known.keys() & accepted.keys():
                raise DuplicateKeys
            known.update(accepted)
            for tenant_id, batch in rejected:
                for event in batch.events:
                    number = len(rows) + 1
                    rows[number] = RejectedEventRow(
                        number, tenant_id, batch.batch_id, batch.rejected_at, event
                    )

        return write

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedEventRow]:
        rows = self._store.table("rejected_usage").values()
        return [row for row in rows if row.tenant_id == tenant_id and row.number > after][:limit]
