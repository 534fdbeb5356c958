"""Rollups in memory: tables of the memory store, so that a failed commit undoes them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

from services.metering.aggregations.aggregation import MeasuredValue
from services.metering.rollups.accumulator import Series, UsageAccumulator
from services.metering.rollups.hours import HOUR_US, PartialHour, day_of, first_hour
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
                stored, additive = points.get((series, hour), ((), cell.is_additive))
                points[series, hour] = ((*stored, *cell.points), additive)
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
        parts = [*_whole(query.hours.first, query.hours.last), *query.hours.edges]
        for series, group in query.groups.items():
            for part in parts:
                bucket = part.hour // query.bucket_hours if query.bucket_hours else 0
                if amounts := self._amounts(series, part):
                    found[group, bucket] += amounts
        return {key: _total(amounts, query.is_additive) for key, amounts in found.items()}

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

    def _amounts(self, series: Series, part: PartialHour) -> list[MeasuredValue]:
        points, _ = self._points.get((series, part.hour), ((), True))
        return [amount for offset, amount in points if part.from_us <= offset < part.to_us]

    def _day_total(self, series: Series, day: date) -> Decimal:
        hours = range(first_hour(day), first_hour(day) + 24)
        cells = [self._points[series, hour] for hour in hours if (series, hour) in self._points]
        return _total(
            [amount for points, _ in cells for _, amount in points], all(additive for _, additive in cells)
        )


def _whole(first: int, last: int) -> Iterable[PartialHour]:
    return (PartialHour(hour, 0, HOUR_US) for hour in range(first, last))


def _total(amounts: Sequence[Any], is_additive: bool) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, Decimal(0)) if is_additive else Decimal(len(set(amounts)))
