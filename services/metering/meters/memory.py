"""The book of meters in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.metering.meters.ports import MeterEntry
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.port import Effect, Receipt, VersionConflict


class MemoryMeterBook:
    """See MeterBook."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Keeps its rows beside the events of this store."""
        self._store = store

    async def all(self) -> Sequence[MeterEntry]:
        """See MeterBook."""
        return [entry for _, entry in sorted(self._store.table("meters").items())]

    async def of_tenant(self, tenant_id: str) -> Sequence[MeterDefined]:
        """See MeterBook."""
        return [entry.meter for entry in await self.all() if entry.tenant_id == tenant_id]

    async def find(self, tenant_id: str, key: str) -> MeterEntry | None:
        """See MeterBook."""
        found: MeterEntry | None = self._store.table("meters").get((tenant_id, key))
        return found

    async def unreadable(self, tenant_id: str, meter_id: str) -> int:
        """See MeterBook."""
        return int(self._store.table("unreadable").get(meter_id, 0))

    def enter(self, tenant_id: str, meter: MeterDefined) -> Effect:
        """See MeterBook."""

        async def write(store: MemoryEventStore, _: Receipt) -> None:
            store.table("meters")[tenant_id, meter.key] = MeterEntry(tenant_id, meter)

        return write

    def join(self, meter_id: str, position: int) -> Effect:
        """See MeterBook."""

        async def write(store: MemoryEventStore, _: Receipt) -> None:
            for place, entry in store.table("meters").items():
                if entry.meter.meter_id == meter_id:
                    store.table("meters")[place] = replace(entry, joined_from=position)

        return write

    def still(self, entries: Sequence[MeterEntry]) -> Effect:
        """See MeterBook."""

        async def check(store: MemoryEventStore, _: Receipt) -> None:
            if _joined(store.table("meters").values()) != _joined(entries):
                raise VersionConflict("another meter has joined")

        return check


def _joined(entries: Iterable[MeterEntry]) -> int:
    return sum(entry.joined_from is not None for entry in entries)
