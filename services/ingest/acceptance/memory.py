"""The usage log in memory: tables of the memory store, so that a failed commit takes them back."""

from collections.abc import Collection, Mapping, Sequence

from services.ingest.acceptance.ports import DuplicateKeys, RejectedBatch, RejectedEventRow
from services.ingest.events.identity import DeduplicationKey
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryDeduplicationStore:
    """See DeduplicationStore."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Keeps its rows beside the events of this store."""
        self._store = store

    async def known(self, identities: Collection[DeduplicationKey]) -> dict[DeduplicationKey, int]:
        """See DeduplicationStore."""
        known = self._store.table("usage_dedup")
        return {one: known[one] for one in identities if one in known}

    async def store(
        self, accepted: Mapping[DeduplicationKey, int], rejected: Sequence[RejectedBatch]
    ) -> SideWrite:
        """See DeduplicationStore."""

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            known = store.table("usage_dedup")
            if any(identity in known for identity in accepted):
                raise DuplicateKeys
            known.update(accepted)
            rows = store.table("rejected_usage")
            for one in rejected:
                for event in one.events:
                    number = len(rows) + 1
                    rows[number] = RejectedEventRow(
                        number, one.tenant_id, one.batch_id, one.rejected_at, event
                    )

        return write

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedEventRow]:
        """See DeduplicationStore."""
        rows = self._store.table("rejected_usage").values()
        return [row for row in rows if row.tenant_id == tenant_id and row.number > after][:limit]
