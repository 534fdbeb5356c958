"""What metering needs beside its history: a book of meters, rollups, and news of how far usage has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.records import SideWrite


@dataclass(frozen=True, slots=True)
class RegisteredMeter:
    """A meter in the book. From `joined_from` on it is counted live; before (None), its past is caught up."""

    tenant_id: str
    meter: MeterDefined
    joined_from: int | None = None


class MeterRepository(Protocol):
    """All meters, readable by key; written in the transaction that defines one."""

    async def all(self) -> Sequence[RegisteredMeter]:
        """Every tenant's meters as of now."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[MeterDefined]:
        """A tenant's meters by key."""
        ...

    async def find(self, tenant_id: str, key: str) -> RegisteredMeter | None:
        """The tenant's meter of this key."""
        ...

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        """How many events of its type the meter could not read, and so does not count."""
        ...

    def add(self, tenant_id: str, meter: MeterDefined) -> SideWrite:
        """What writes a new meter down, not joined yet."""
        ...

    def activate(self, meter_id: str, position: int) -> SideWrite:
        """What lets a meter be counted live, beyond this position of its tenant's partition."""
        ...

    def assert_unchanged(self, entries: Sequence[RegisteredMeter]) -> SideWrite:
        """What raises VersionConflict if another meter has joined since these were read."""
        ...
