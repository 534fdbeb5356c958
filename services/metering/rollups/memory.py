"""Rollups in memory: tables of the memory store, so that a failed commit takes them back."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from services.metering.aggregations.aggregation import MeasuredValue
from services.metering.rollups.accumulator import Series, UsageAccumulator
from services.metering.rollups.hours import HOUR_US, PartialHour, day_of, first_hour
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupQuery, RollupSnapshot, RollupTotals
from shared.billing.contracts import TOPICS
from shared.billing.money import EXACT
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryRollups:
    """See RollupStore; it keeps nothing but points, so it is also what the other one is compared with."""

    def __init__(self, store: MemoryEventStore) -> None:
        """Keeps its rows beside the events and marks of this store."""
        self._store = store

    async def record(self, tally: UsageAccumulator) -> SideWrite | None:
        """See RollupStore."""

        async def write(store: MemoryEventStore, receipt: CommitReceipt) -> None:
            points, changed = store.table("points"), store.table("changed_days")
            days = set()
            for series, hour, cell in tally.cells():
                days.add((series, day_of(hour)))
                kept, additive = points.get((series, hour), ((), cell.is_additive))
                points[series, hour] = ((*kept, *cell.points), additive)
            for series, day in days:
                changed[series, day] = changed.get((series, day), 0) + 1
            for (meter_id, _), count in tally.unreadable().items():
                unreadable = store.table("unreadable")
                unreadable[meter_id] = unreadable.get(meter_id, 0) + count

        return write

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[RollupSnapshot]:
        """See RollupStore."""
        marks = await self._store.inbox(CONSUMER)
        positions = {
            number: mark.position for (topic, number), mark in marks.items() if topic == TOPICS["ingest"]
        }
        yield MemoryRollupSnapshot(
            dict(self._store.table("points")), dict(self._store.table("changed_days")), positions
        )

    async def mark_published(self, days: Sequence[ChangedDay]) -> SideWrite:
        """See RollupStore."""

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            changed = store.table("changed_days")
            for one in days:
                if changed.get((one.series, one.day)) == one.marks:
                    del changed[one.series, one.day]

        return write

    async def unpublished_count(self) -> int:
        """See RollupStore."""
        return len(self._store.table("changed_days"))


class MemoryRollupSnapshot:
    """See Snapshot."""

    def __init__(self, points: dict[Any, Any], changed: dict[Any, int], positions: dict[int, int]) -> None:
        """Copies of the tables, taken at once."""
        self._points = points
        self._changed = changed
        self._positions = positions

    async def position(self, partition: int) -> int:
        """See Snapshot."""
        return self._positions.get(partition, 0)

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        """See Snapshot."""
        return sorted(
            {one for one, _ in self._points if (one.tenant_id, one.meter_id) == (tenant_id, meter_id)
             and subject in (None, one.subject)}
        )  # fmt: skip

    async def totals(self, question: RollupQuery) -> RollupTotals:
        """See Snapshot."""
        found: defaultdict[tuple[int, int], list[MeasuredValue]] = defaultdict(list)
        whole = [
            PartialHour(hour, 0, HOUR_US) for hour in range(question.stretch.first, question.stretch.last)
        ]
        for series, group in question.groups.items():
            for edge in (*whole, *question.stretch.edges):
                bucket = edge.hour // question.bucket_hours if question.bucket_hours else 0
                for amount in self._within(series, edge):
                    found[group, bucket].append(amount)
        return {place: _total(amounts, question.is_additive) for place, amounts in found.items()}

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """See Snapshot."""
        return [
            ChangedDay(series, day, self._day_total(series, day), marks)
            for (series, day), marks in sorted(self._changed.items())[:limit]
        ]

    def _within(self, series: Series, edge: PartialHour) -> Iterator[MeasuredValue]:
        points, _ = self._points.get((series, edge.hour), ((), True))
        return (amount for offset, amount in points if edge.from_us <= offset < edge.to_us)

    def _day_total(self, series: Series, day: date) -> Decimal:
        hours = range(first_hour(day), first_hour(day) + 24)
        cells = [self._points[series, hour] for hour in hours if (series, hour) in self._points]
        return _total(
            [amount for points, _ in cells for _, amount in points], all(additive for _, additive in cells)
        )


def _total(amounts: Sequence[Any], is_additive: bool) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, Decimal(0)) if is_additive else Decimal(len(set(amounts)))
