"""The book of meters in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.metering.meters.ports import RegisteredMeter
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import VersionConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryMeterRepository:
    """See MeterRepository."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Keeps its rows beside the events of this store."""
        self._store = store

    async def all(self) -> Sequence[RegisteredMeter]:
        """See MeterRepository."""
        return [entry for _, entry in sorted(self._store.table("meters").items())]

    async def of_tenant(self, tenant_id: str) -> Sequence[MeterDefined]:
        """See MeterRepository."""
        return [entry.meter for entry in await self.all() if entry.tenant_id == tenant_id]

    async def find(self, tenant_id: str, key: str) -> RegisteredMeter | None:
        """See MeterRepository."""
        found: RegisteredMeter | None = self._store.table("meters").get((tenant_id, key))
        return found

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        """See MeterRepository."""
        return int(self._store.table("unreadable").get(meter_id, 0))

    def add(self, tenant_id: str, meter: MeterDefined) -> SideWrite:
        """See MeterRepository."""

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            store.table("meters")[tenant_id, meter.key] = RegisteredMeter(tenant_id, meter)

        return write

    def activate(self, meter_id: str, position: int) -> SideWrite:
        """See MeterRepository."""

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            for place, entry in store.table("meters").items():
                if entry.meter.meter_id == meter_id:
                    store.table("meters")[place] = replace(entry, joined_from=position)

        return write

    def assert_unchanged(self, entries: Sequence[RegisteredMeter]) -> SideWrite:
        """See MeterRepository."""

        async def check(store: MemoryEventStore, _: CommitReceipt) -> None:
            if _joined(store.table("meters").values()) != _joined(entries):
                raise VersionConflict("another meter has joined")

        return check


def _joined(entries: Iterable[RegisteredMeter]) -> int:
    return sum(entry.joined_from is not None for entry in entries)
