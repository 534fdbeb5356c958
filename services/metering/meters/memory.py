"""Meters in memory: a table of the memory store, so that a failed commit undoes it."""

from collections.abc import Sequence
from dataclasses import replace

from services.metering.meters.ports import RegisteredMeter, RegisteredMeters
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import InboxConflict, VersionConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryMeterRepository:
    """See MeterRepository."""

    def __init__(self, store: MemoryEventStore) -> None:
        """The rows are in tables of this event store."""
        self._store = store

    async def all(self) -> RegisteredMeters:
        return dict(sorted(self._store.table("meters").items()))

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        return sum(key[0] == meter_id for key in self._store.table("unreadable"))

    def add_write(self, tenant_id: str, meter: MeterDefined) -> SideWrite:

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            store.table("meters")[tenant_id, meter.key] = RegisteredMeter(tenant_id, meter)

        return write

    def activate_write(self, meter_id: str, position: int) -> SideWrite:

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            for key, one in store.table("meters").items():
                if one.meter.meter_id == meter_id:
                    store.table("meters")[key] = replace(one, joined_from=position)

        return write

    def assert_pending_write(self, meter_ids: Sequence[str]) -> SideWrite:
        async def check(store: MemoryEventStore, _: CommitReceipt) -> None:
            registered = store.table("meters").values()
            if any(one.is_active for one in registered if one.meter.meter_id in meter_ids):
                raise InboxConflict("a meter was activated by another process")

        return check

    def assert_active_count_write(self, count: int) -> SideWrite:
        async def check(store: MemoryEventStore, _: CommitReceipt) -> None:
            if sum(one.is_active for one in store.table("meters").values()) != count:
                raise VersionConflict("another meter was activated")

        return check
