"""Unreadable usage in memory: tables of the memory store. Its publications have no pause."""

from collections.abc import Sequence

from services.metering.rollups.unreadable_usage import UnreadableEvent
from services.metering.unreadable_usage.ports import EventIndex, UnpublishedCount
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryUnreadableUsage:
    """See UnreadableUsage."""

    def __init__(self, store: MemoryEventStore) -> None:
        """The rows are in tables of this event store."""
        self._store = store

    async def page(self, meter_id: str, after: EventIndex, limit: int) -> Sequence[UnreadableEvent]:
        return [one for one in self._of(meter_id) if (one.position, one.index) > after][:limit]

    async def to_publish(self, limit: int) -> Sequence[UnpublishedCount]:
        published = self._store.table("unreadable_published")
        found = []
        for (tenant_id, key), one in sorted(self._store.table("meters").items()):
            events = self._of(one.meter.meter_id)
            if one.is_active and len(events) > published.get(one.meter.meter_id, 0):
                found.append(UnpublishedCount(tenant_id, key, len(events), events[-1]))
        return found[:limit]

    async def published_write(self, counts: Sequence[UnpublishedCount]) -> SideWrite:

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            store.table("unreadable_published").update({one.newest.meter_id: one.count for one in counts})

        return write

    async def unpublished_count(self) -> int:
        return len(await self.to_publish(len(self._store.table("meters"))))

    def _of(self, meter_id: str) -> list[UnreadableEvent]:
        return [one for key, one in sorted(self._store.table("unreadable").items()) if key[0] == meter_id]
