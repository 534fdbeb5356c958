"""Rollups in memory: tables of the memory store, so that a failed commit undoes them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from services.metering.aggregations.aggregation import Combination, MeasuredValue
from services.metering.rollups.accumulator import Series, UsageAccumulator
from services.metering.rollups.hours import day_of, first_hour, start_of
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupQuery, RollupSnapshot, RollupTotals
from services.metering.rollups.unreadable_usage import UnreadableEvent
from shared.billing.contracts import TOPICS
from shared.billing.money import EXACT
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryRollups:
    """See RollupStore. It stores points only, and so is the reference that Postgres is compared with."""

    def __init__(self, store: MemoryEventStore) -> None:
        """The rows are in tables of this event store."""
        self._store = store

    async def record_write(self, usage: UsageAccumulator) -> SideWrite | None:

        async def write(store: MemoryEventStore, receipt: CommitReceipt) -> None:
            points, changed = store.table("points"), store.table("changed_days")
            days = set()
            for series, hour, cell in usage.cells():
                days.add((series, day_of(hour)))
                stored, _ = points.get((series, hour), ((), None))
                points[series, hour] = ((*stored, *cell.points), cell.combination)
            for key in days:
                changed[key] = changed.get(key, 0) + 1
            for event in usage.unreadable:
                store.table("unreadable")[event.meter_id, event.position, event.index] = event

        return write

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[RollupSnapshot]:
        inbox = await self._store.inbox(CONSUMER)
        positions = {
            partition: reached.position
            for (topic, partition), reached in inbox.items()
            if topic == TOPICS["ingest"]
        }
        active = {one.meter.meter_id for one in self._store.table("meters").values() if one.is_active}
        changed = {
            key: marks
            for key, marks in self._store.table("changed_days").items()
            if key[0].meter_id in active
        }
        unreadable = list(self._store.table("unreadable").values())
        yield MemoryRollupSnapshot(dict(self._store.table("points")), changed, positions, unreadable)

    async def mark_published_write(self, days: Sequence[ChangedDay]) -> SideWrite:

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            changed = store.table("changed_days")
            for one in days:
                if changed.get((one.series, one.day)) == one.changes_count:
                    del changed[one.series, one.day]

        return write

    async def unpublished_count(self) -> int:
        return len(self._store.table("changed_days"))


class MemoryRollupSnapshot:
    """See RollupSnapshot."""

    def __init__(
        self,
        points: dict[Any, Any],
        changed: dict[Any, int],
        positions: dict[int, int],
        unreadable: Sequence[UnreadableEvent],
    ) -> None:
        """Copies of the tables, taken at once."""
        self._unreadable = unreadable
        self._points = points
        self._changed = changed
        self._positions = positions

    async def position(self, partition: int) -> int:
        return self._positions.get(partition, 0)

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        return sorted(
            {one for one, _ in self._points if (one.tenant_id, one.meter_id) == (tenant_id, meter_id)
             and subject in (None, one.subject)}
        )  # fmt: skip

    async def totals(self, query: RollupQuery) -> RollupTotals:
        found: defaultdict[tuple[int, int], list[MeasuredValue]] = defaultdict(list)
        for group, instant, amount in self._timed(query.groups):
            if query.bounds[0] <= instant < query.bounds[-1]:
                found[group, bisect_right(query.bounds, instant) - 1].append(amount)
        return {
            key: _total(amounts, query.combination)
            for key, amounts in list(found.items())[: query.totals_max]
        }

    async def values(
        self, groups: Mapping[Series, int], start: datetime, end: datetime, values_max: int
    ) -> Mapping[int, Sequence[Decimal]] | None:
        timed = [one for one in self._timed(groups) if start <= one[1] < end]
        values: defaultdict[int, list[Decimal]] = defaultdict(list)
        for group, _, amount in sorted(timed, key=lambda one: (*one, str(one[2]))):
            values[group].append(Decimal(amount))
        return values if len(timed) <= values_max else None

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        return [
            ChangedDay(series, day, self._day_total(series, day), changes_count)
            for (series, day), changes_count in sorted(self._changed.items())[:limit]
        ]

    async def unreadable_count(
        self, meter_id: str, subject: str | None, start: datetime, end: datetime
    ) -> int:
        mine = (one for one in self._unreadable if one.meter_id == meter_id)
        return sum(subject in (None, one.subject) and start <= one.time < end for one in mine)

    def _timed(self, groups: Mapping[Series, int]) -> Iterable[tuple[int, datetime, Any]]:
        """Group, time and amount of every event of these series."""
        for (series, hour), (points, _) in self._points.items():
            if series in groups:
                for offset, amount in points:
                    yield groups[series], start_of(hour) + timedelta(microseconds=offset), amount

    def _day_total(self, series: Series, day: date) -> Decimal:
        hours = range(first_hour(day), first_hour(day) + 24)
        cells = [self._points[series, hour] for hour in hours if (series, hour) in self._points]
        return _total([amount for points, _ in cells for _, amount in points], cells[0][1])


def _total(amounts: Sequence[Any], combination: Combination) -> Decimal:
    match combination:
        case Combination.SUM:
            with localcontext(EXACT):
                return sum(amounts, Decimal(0))
        case Combination.MAXIMUM:
            return Decimal(max(amounts))
        case Combination.DIFFERENT:
            return Decimal(len(set(amounts)))
