"""A consistent view of rollups and inbox: one repeatable-read transaction, which blocks no writer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from services.metering.aggregations.aggregation import Combination
from services.metering.rollups.accumulator import Series
from services.metering.rollups.hours import (
    HourBuckets,
    PartialHour,
    first_hour,
    hour_and_offset,
    hour_buckets,
)
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupQuery, RollupTotals
from shared.billing.contracts import TOPICS
from shared.billing.money import EXACT

PackedPoints = Sequence[tuple[Sequence[PartialHour], int, bytes]]
"""Packs of points, each from one write, with the parts of its hour that are asked for, and its series id."""

ROWS_FETCHED = 200
"""Rows of points that are fetched at once."""

_POSITION = "SELECT position FROM inbox WHERE consumer = $1 AND topic = $2 AND partition = $3"
_SERIES = """
SELECT * FROM series
WHERE tenant_id = $1 AND meter_id = $2 AND ($3::text IS NULL OR subject = $3)
ORDER BY subject, dimensions
"""
# width_bucket: the number of first hours that are not after the hour; $5 are those hours.
_SUMS = """
SELECT g.number, width_bucket(r.hour, $5::integer[]) - 1 AS bucket, sum(r.value) AS value
FROM rollups r JOIN unnest($1::bigint[], $2::integer[]) AS g (series_id, number) USING (series_id)
WHERE r.hour >= $3 AND r.hour < $4 AND r.hour <> ALL($6::integer[]) AND r.series_id = ANY($1)
GROUP BY 1, 2 LIMIT $7
"""
_MAXIMA = _SUMS.replace("sum(r.value)", "max(r.value)")
_UNIQUES = """
SELECT number, bucket, count(DISTINCT value)::numeric AS value
FROM (
    SELECT g.number, width_bucket(u.hour, $5::integer[]) - 1 AS bucket, u.value
    FROM uniques u JOIN unnest($1::bigint[], $2::integer[]) AS g (series_id, number) USING (series_id)
    WHERE u.hour >= $3 AND u.hour < $4 AND u.hour <> ALL($6::integer[]) AND u.series_id = ANY($1)
    UNION ALL
    SELECT * FROM unnest($8::integer[], $9::integer[], $10::bytea[])
) AS every
GROUP BY 1, 2 LIMIT $7
"""
_POINTS = """
SELECT hour, series_id, packed FROM points WHERE hour = ANY($1::integer[]) AND series_id = ANY($2::bigint[])
"""
_POINTS_WITHIN = """
SELECT hour, series_id, packed FROM points WHERE hour >= $1 AND hour <= $2 AND series_id = ANY($3::bigint[])
ORDER BY hour
"""
_CHANGED = """
SELECT c.day, c.marks, s.* FROM changed_days c JOIN series s USING (series_id)
WHERE (SELECT joined_from FROM meters m WHERE m.meter_id = s.meter_id) IS NOT NULL
ORDER BY c.day, c.series_id LIMIT $1
"""
_UNREADABLE = """
SELECT count(*) FROM unreadable_events
WHERE meter_id = $1 AND ($2::text IS NULL OR subject = $2) AND time >= $3 AND time < $4
"""
_DAYS = """
SELECT d.number,
       CASE WHEN d.is_additive
            THEN (SELECT coalesce(sum(value), 0) FROM rollups r
                  WHERE r.series_id = d.series_id AND r.hour = ANY(d.hours))
            WHEN d.is_maximum
            THEN (SELECT coalesce(max(value), 0) FROM rollups r
                  WHERE r.series_id = d.series_id AND r.hour = ANY(d.hours))
            ELSE (SELECT count(DISTINCT value) FROM uniques u
                  WHERE u.series_id = d.series_id AND u.hour = ANY(d.hours))
       END AS value
FROM (
    SELECT number, series_id, is_additive, is_maximum,
           ARRAY(SELECT generate_series(first_hour, first_hour + 23)) AS hours
    FROM unnest($1::bigint[], $2::integer[], $3::boolean[], $4::boolean[])
         WITH ORDINALITY AS wanted (series_id, first_hour, is_additive, is_maximum, number)
) AS d
ORDER BY d.number
"""


_unpack_numbers = msgspec.msgpack.Decoder(list[tuple[int, Decimal]]).decode
_unpack_values = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


class PostgresRollupSnapshot:
    """See RollupSnapshot."""

    def __init__(self, connection: Any, cache_series: Callable[[Series, int], None]) -> None:
        """`connection` is inside a repeatable-read transaction; each series that is read is cached."""
        self._connection = connection
        self._cache_series = cache_series
        self._series_ids: dict[Series, int] = {}

    async def position(self, partition: int) -> int:
        """See RollupSnapshot."""
        position = await self._connection.fetchval(_POSITION, CONSUMER, TOPICS["ingest"], partition)
        return int(position or 0)

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        """See RollupSnapshot."""
        rows = await self._connection.fetch(_SERIES, tenant_id, meter_id, subject)
        return [self._series_of(row) for row in rows]

    async def totals(self, query: RollupQuery) -> RollupTotals:
        """See RollupSnapshot."""
        if not query.groups:
            return {}
        groups = self._by_id(query.groups)
        hours = hour_buckets(query.bounds)
        packs = await self._points_at(hours.parts, list(groups))
        arguments = _arguments(query, groups, hours)
        match query.combination:
            case Combination.SUM:
                return await self._numbers(_SUMS, EXACT.add, arguments, groups, packs)
            case Combination.MAXIMUM:
                return await self._numbers(_MAXIMA, max, arguments, groups, packs)
            case Combination.DIFFERENT:
                return await self._unique_counts(arguments, groups, packs)

    async def values(
        self, groups: Mapping[Series, int], start: datetime, end: datetime, values_max: int
    ) -> Mapping[int, Sequence[Decimal]] | None:
        """See RollupSnapshot."""
        numbers = self._by_id(groups)
        first, last = hour_and_offset(start.astimezone(UTC)), hour_and_offset(end.astimezone(UTC))
        values: defaultdict[int, list[Decimal]] = defaultdict(list)
        points: list[tuple[int, int, Decimal]] = []
        hour, count = first[0], 0
        statement = (_POINTS_WITHIN, first[0], last[0], list(numbers))
        async for row in self._connection.cursor(*statement, prefetch=ROWS_FETCHED):
            if row["hour"] > hour:
                _move_in_order(points, values)
                hour = row["hour"]
            number, before = numbers[row["series_id"]], len(points)
            points += [
                (number, offset, value)
                for offset, value in _unpack_numbers(row["packed"])
                if first <= (hour, offset) < last
            ]
            count += len(points) - before
            if count > values_max:
                return None
        _move_in_order(points, values)
        return values

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """See RollupSnapshot."""
        rows = await self._connection.fetch(_CHANGED, limit)
        if not rows:
            return []
        days = [
            (row["series_id"], first_hour(row["day"]), row["is_additive"], row["is_maximum"]) for row in rows
        ]
        totals = await self._connection.fetch(_DAYS, *map(list, zip(*days, strict=True)))
        return [
            ChangedDay(self._series_of(row), row["day"], Decimal(total["value"]), row["marks"])
            for row, total in zip(rows, totals, strict=True)
        ]

    async def unreadable_count(
        self, meter_id: str, subject: str | None, start: datetime, end: datetime
    ) -> int:
        """See RollupSnapshot."""
        return int(await self._connection.fetchval(_UNREADABLE, meter_id, subject, start, end))

    async def _numbers(
        self,
        statement: str,
        combined: Callable[[Decimal, Decimal], Decimal],
        arguments: Sequence[object],
        groups: Mapping[int, int],
        packs: PackedPoints,
    ) -> RollupTotals:
        """Totals of numbers: those of whole hours, combined with the points of parts of hours."""
        rows = await self._connection.fetch(statement, *arguments)
        totals: dict[tuple[int, int], Decimal] = {
            (row["number"], row["bucket"]): row["value"] for row in rows
        }
        for group, bucket, amount in _points_within(groups, packs, _unpack_numbers):
            before = totals.get((group, bucket))
            totals[group, bucket] = amount if before is None else combined(before, amount)
        return totals

    async def _unique_counts(
        self, arguments: Sequence[object], groups: Mapping[int, int], packs: PackedPoints
    ) -> RollupTotals:
        values = list(set(_points_within(groups, packs, _unpack_values)))
        columns = map(list, zip(*values, strict=True)) if values else ([], [], [])
        rows = await self._connection.fetch(_UNIQUES, *arguments, *columns)
        return {(row["number"], row["bucket"]): row["value"] for row in rows}

    async def _points_at(self, parts: Sequence[PartialHour], series_ids: Sequence[int]) -> PackedPoints:
        """The packs of the series in the hours of these parts, each with the parts of its hour."""
        by_hour: defaultdict[int, list[PartialHour]] = defaultdict(list)
        for part in parts:
            by_hour[part.hour].append(part)
        if not by_hour:
            return []
        rows = await self._connection.fetch(_POINTS, list(by_hour), series_ids)
        return [(by_hour[row["hour"]], row["series_id"], row["packed"]) for row in rows]

    def _by_id(self, groups: Mapping[Series, int]) -> Mapping[int, int]:
        return {self._series_ids[series]: group for series, group in groups.items()}

    def _series_of(self, row: asyncpg.Record) -> Series:
        series = Series(row["tenant_id"], row["meter_id"], row["subject"], tuple(row["dimensions"]))
        self._cache_series(series, row["series_id"])
        self._series_ids[series] = row["series_id"]
        return series


def _move_in_order(points: list[tuple[int, int, Decimal]], values: Mapping[int, list[Decimal]]) -> None:
    """Move the values of one hour's points (group, offset, value) to their groups, in order of time.

    Those of one instant are in order of value, and of its written form. An hour at a time, because sorting a
    whole period would hold the event loop.
    """
    for group, _, value in sorted(points, key=lambda point: (*point, str(point[2]))):
        values[group].append(value)
    points.clear()


def _points_within(
    groups: Mapping[int, int], packs: PackedPoints, unpack: Callable[[bytes], Any]
) -> Iterable[tuple[int, int, Any]]:
    """Group, bucket and amount of every point inside a part of its hour."""
    for parts, series_id, packed in packs:
        for offset, amount in unpack(packed):
            for part in parts:
                if part.from_us <= offset < part.to_us:
                    yield groups[series_id], part.bucket, amount


def _arguments(query: RollupQuery, groups: Mapping[int, int], hours: HourBuckets) -> Sequence[object]:
    cut = sorted({part.hour for part in hours.parts})
    return (
        list(groups), list(groups.values()), hours.firsts[0], hours.end, list(hours.firsts), cut,
        query.totals_max,
    )  # fmt: skip
