"""Port of meters: all of them by key, and the position from which each is counted live."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.eventstore.records import SideWrite


@dataclass(frozen=True, slots=True)
class RegisteredMeter:
    """A tenant's meter. It is active, that is counted live, after position `joined_from`; None: not yet."""

    tenant_id: str
    meter: MeterDefined
    joined_from: int | None = None


def active_count(meters: Iterable[RegisteredMeter]) -> int:
    """The number of active meters."""
    return sum(one.joined_from is not None for one in meters)


class MeterRepository(Protocol):
    """All meters; a meter is added in the transaction that defines it."""

    async def all(self) -> Sequence[RegisteredMeter]:
        """The meters of all tenants."""
        ...

    async def of_tenant(self, tenant_id: str) -> Sequence[MeterDefined]:
        """A tenant's meters by key."""
        ...

    async def find(self, tenant_id: str, key: str) -> RegisteredMeter | None:
        """The tenant's meter of this key."""
        ...

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        """The number of events of its type that the meter could not read and does not count."""
        ...

    def add_write(self, tenant_id: str, meter: MeterDefined) -> SideWrite:
        """The side write that adds a meter, not active yet."""
        ...

    def activate_write(self, meter_id: str, position: int) -> SideWrite:
        """The side write that makes a meter active after this position of its tenant's partition."""
        ...

    def assert_unchanged_write(self, meters: Sequence[RegisteredMeter]) -> SideWrite:
        """The side write that raises VersionConflict if another meter is active than among these."""
        ...
