"""What metering needs beside its history: a book of meters, rollups, and news of how far usage has come."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from services.metering.rollups.accumulator import Series, UsageAccumulator
from services.metering.rollups.hours import HourRange
from shared.framework.eventstore.records import SideWrite

CONSUMER = "metering"
"""Owner of the inbox marks of this context."""


@dataclass(frozen=True, slots=True)
class RollupQuery:
    """What shall be added up: each series into its group, per bucket of so many hours (0: all in one)."""

    groups: Mapping[Series, int]
    is_additive: bool
    stretch: HourRange
    bucket_hours: int


RollupTotals = Mapping[tuple[int, int], Decimal]
"""By group and bucket (hours since 1970 divided by the bucket's hours); only where there is usage."""


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """The newest total of a series on a UTC day, to be published; `marks` counts the changes it includes."""

    series: Series
    day: date
    value: Decimal
    marks: int


class RollupSnapshot(Protocol):
    """Rollups and inbox as one commit left them: whatever is read from it belongs together."""

    async def position(self, partition: int) -> int:
        """The last position of the usage topic's partition that is folded in."""
        ...

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        """Series of a meter that have any usage (of all subjects: None)."""
        ...

    async def totals(self, question: RollupQuery) -> RollupTotals:
        """The exact answer for series of this snapshot, also where the stretch cuts through an hour."""
        ...

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """Days whose totals have changed since they were told."""
        ...


class RollupStore(Protocol):
    """Hourly tallies by event time; written in the transaction of the inbox, so each event counts once."""

    async def record(self, tally: UsageAccumulator) -> SideWrite | None:
        """What adds a tally, and notes which days have changed; None when it is empty."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[RollupSnapshot]:
        """A consistent view."""
        ...

    async def mark_published(self, days: Sequence[ChangedDay]) -> SideWrite:
        """What forgets days that have not changed again since they were read."""
        ...

    async def unpublished_count(self) -> int:
        """How many days have changed since they were told."""
        ...
