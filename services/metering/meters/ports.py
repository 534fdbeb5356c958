"""Port of meters: all of them by key, and the position from which each is counted live."""

from collections.abc import Mapping, Sequence
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

    @property
    def is_active(self) -> bool:
        """Whether the meter has counted the past and is counted live."""
        return self.joined_from is not None


RegisteredMeters = Mapping[tuple[str, str], RegisteredMeter]
"""By tenant id and key."""


class MeterRepository(Protocol):
    """All meters; a meter is added in the transaction that defines it."""

    async def all(self) -> RegisteredMeters:
        """The meters of all tenants, in order of their tenant and key."""

    async def unreadable_count(self, tenant_id: str, meter_id: str) -> int:
        """The number of events of its type that the meter could not read and does not count."""

    def add_write(self, tenant_id: str, meter: MeterDefined) -> SideWrite:
        """The side write that adds a meter, not active yet."""

    def activate_write(self, meter_id: str, position: int) -> SideWrite:
        """The side write that makes a meter active after this position of its tenant's partition."""

    def assert_pending_write(self, meter_ids: Sequence[str]) -> SideWrite:
        """The side write that raises InboxConflict if one of these meters is active by now."""

    def assert_active_count_write(self, count: int) -> SideWrite:
        """The side write that raises VersionConflict if not this number of meters is active."""
