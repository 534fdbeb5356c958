"""The usage log in memory: tables of the memory store, so that a failed commit takes them back."""

from collections.abc import Collection, Mapping, Sequence

from services.ingest.acceptance.ports import RejectedRow, Rejections, SeenBefore
from services.ingest.events.identity import Identity
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.port import Effect, Receipt


class MemoryUsageLog:
    """See UsageLog."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Keeps its rows beside the events of this store."""
        self._store = store

    async def seen(self, identities: Collection[Identity]) -> dict[Identity, int]:
        """See UsageLog."""
        known = self._store.table("usage_dedup")
        return {one: known[one] for one in identities if one in known}

    async def remember(self, accepted: Mapping[Identity, int], rejected: Sequence[Rejections]) -> Effect:
        """See UsageLog."""

        async def write(store: MemoryEventStore, _: Receipt) -> None:
            known = store.table("usage_dedup")
            if any(identity in known for identity in accepted):
                raise SeenBefore
            known.update(accepted)
            rows = store.table("rejected_usage")
            for one in rejected:
                for event in one.events:
                    number = len(rows) + 1
                    rows[number] = RejectedRow(number, one.tenant_id, one.batch_id, one.rejected_at, event)

        return write

    async def rejected(self, tenant_id: str, after: int, limit: int) -> Sequence[RejectedRow]:
        """See UsageLog."""
        rows = self._store.table("rejected_usage").values()
        return [row for row in rows if row.tenant_id == tenant_id and row.number > after][:limit]
