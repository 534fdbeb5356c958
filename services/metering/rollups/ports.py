"""Ports of rollups: a store of hourly usage and a consistent view of it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from services.metering.aggregations.aggregation import Combination
from services.metering.rollups.accumulator import Series, UsageAccumulator
from shared.framework.eventstore.records import SideWrite

CONSUMER = "metering"
"""The consumer name of this context's inbox positions."""


@dataclass(frozen=True, slots=True)
class RollupQuery:
    """A request for totals: of each group of series, per bucket between two neighbours of `bounds`.

    `bounds` are aware instants in ascending order; at most `totals_max` totals (None: all) are returned.
    """

    groups: Mapping[Series, int]
    combination: Combination
    bounds: Sequence[datetime]
    totals_max: int | None = None


RollupTotals = Mapping[tuple[int, int], Decimal]
"""By group and bucket (the index of its first bound); only where there is usage."""


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """The newest total of a series on a UTC day, to be published; it includes `changes_count` changes."""

    series: Series
    day: date
    value: Decimal
    changes_count: int


class RollupSnapshot(Protocol):
    """Rollups and inbox positions as of one commit."""

    async def position(self, partition: int) -> int:
        """The last position of the usage topic's partition that is included."""

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        """The series of a meter that have usage, of one subject or of all (None)."""

    async def totals(self, query: RollupQuery) -> RollupTotals:
        """Exact totals, also if buckets begin or end within an hour. Series must be of this snapshot."""

    async def values(
        self, groups: Mapping[Series, int], start: datetime, end: datetime, values_max: int
    ) -> Mapping[int, Sequence[Decimal]] | None:
        """The value of every event with a time in [start, end), by group, in order of time, then of value.

        None if there are more than `values_max`. Series must be of this snapshot, of numbers.
        """

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """Days of active meters that have changed since their totals were published."""

    async def unreadable_count(
        self, meter_id: str, subject: str | None, start: datetime, end: datetime
    ) -> int:
        """The number of events with a time in [start, end) that the meter could not read."""


class RollupStore(Protocol):
    """Hourly usage by event time; written in the transaction of the inbox, so each event counts once."""

    async def record_write(self, usage: UsageAccumulator) -> SideWrite | None:
        """The side write that adds usage and what could not be read, and records which days have changed.

        None if there is none.
        """

    def snapshot(self) -> AbstractAsyncContextManager[RollupSnapshot]:
        """A consistent view."""

    async def mark_published_write(self, days: Sequence[ChangedDay]) -> SideWrite:
        """The side write that removes the days that have not changed again since they were read."""

    async def unpublished_count(self) -> int:
        """The number of changed days that are not published."""
