"""A consistent view of rollups and inbox: one repeatable-read transaction, which blocks no writer."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

import asyncpg
import msgspec

from services.metering.rollups.accumulator import Series
from services.metering.rollups.hours import PartialHour, first_hour
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupQuery, RollupTotals
from shared.billing.contracts import TOPICS
from shared.billing.money import EXACT

PackedPoints = Mapping[tuple[PartialHour, int], list[bytes]]
"""Packed points by part of an hour and series id; each pack is from one write."""

_POSITION = "SELECT position FROM inbox WHERE consumer = $1 AND topic = $2 AND partition = $3"
_SERIES = """
SELECT * FROM series
WHERE tenant_id = $1 AND meter_id = $2 AND ($3::text IS NULL OR subject = $3)
ORDER BY subject, dimensions
"""
_SUMS = """
SELECT g.number, coalesce(r.hour / nullif($5, 0), 0) AS bucket, sum(r.value) AS value
FROM rollups r JOIN unnest($1::bigint[], $2::integer[]) AS g (series_id, number) USING (series_id)
WHERE r.hour >= $3 AND r.hour < $4 AND r.series_id = ANY($1)
GROUP BY 1, 2
"""
_UNIQUES = """
SELECT number, bucket, count(DISTINCT value)::numeric AS value
FROM (
    SELECT g.number, coalesce(u.hour / nullif($5, 0), 0) AS bucket, u.value
    FROM uniques u JOIN unnest($1::bigint[], $2::integer[]) AS g (series_id, number) USING (series_id)
    WHERE u.hour >= $3 AND u.hour < $4 AND u.series_id = ANY($1)
    UNION ALL
    SELECT * FROM unnest($6::integer[], $7::integer[], $8::bytea[])
) AS every
GROUP BY 1, 2
"""
_POINTS = """
SELECT hour, series_id, packed FROM points WHERE hour = ANY($1::integer[]) AND series_id = ANY($2::bigint[])
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
            ELSE (SELECT count(DISTINCT value) FROM uniques u
                  WHERE u.series_id = d.series_id AND u.hour = ANY(d.hours))
       END AS value
FROM (
    SELECT number, series_id, is_additive, ARRAY(SELECT generate_series(first_hour, first_hour + 23)) AS hours
    FROM unnest($1::bigint[], $2::integer[], $3::boolean[])
         WITH ORDINALITY AS wanted (series_id, first_hour, is_additive, number)
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
        groups = {self._series_ids[series]: group for series, group in query.groups.items()}
        packs = await self._points_at(query.hours.edges, list(groups))
        totals = self._sums if query.is_additive else self._unique_counts
        return await totals(query, groups, packs)

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """See RollupSnapshot."""
        rows = await self._connection.fetch(_CHANGED, limit)
        if not rows:
            return []
        days = [(row["series_id"], first_hour(row["day"]), row["is_additive"]) for row in rows]
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

    async def _sums(self, query: RollupQuery, groups: Mapping[int, int], packs: PackedPoints) -> RollupTotals:
        rows = await self._connection.fetch(_SUMS, *_arguments(query, groups))
        totals: defaultdict[tuple[int, int], Decimal] = defaultdict(
            Decimal, {(row["number"], row["bucket"]): row["value"] for row in rows}
        )
        with localcontext(EXACT):
            for group, bucket, amount in _points_within(query, groups, packs, _unpack_numbers):
                totals[group, bucket] += amount
        return totals

    async def _unique_counts(
        self, query: RollupQuery, groups: Mapping[int, int], packs: PackedPoints
    ) -> RollupTotals:
        values = list(set(_points_within(query, groups, packs, _unpack_values)))
        columns = map(list, zip(*values, strict=True)) if values else ([], [], [])
        rows = await self._connection.fetch(_UNIQUES, *_arguments(query, groups), *columns)
        return {(row["number"], row["bucket"]): row["value"] for row in rows}

    async def _points_at(self, edges: Sequence[PartialHour], series_ids: Sequence[int]) -> PackedPoints:
        packs: defaultdict[tuple[PartialHour, int], list[bytes]] = defaultdict(list)
        if edges:
            by_hour = {edge.hour: edge for edge in edges}
            for row in await self._connection.fetch(_POINTS, list(by_hour), series_ids):
                packs[by_hour[row["hour"]], row["series_id"]].append(row["packed"])
        return packs

    def _series_of(self, row: asyncpg.Record) -> Series:
        series = Series(row["tenant_id"], row["meter_id"], row["subject"], tuple(row["dimensions"]))
        self._cache_series(series, row["series_id"])
        self._series_ids[series] = row["series_id"]
        return series


def _points_within(
    query: RollupQuery, groups: Mapping[int, int], packs: PackedPoints, unpack: Callable[[bytes], Any]
) -> Iterable[tuple[int, int, Any]]:
    """Group, bucket and amount of every point inside its part of an hour."""
    for (edge, series_id), packed in packs.items():
        bucket = edge.hour // query.bucket_hours if query.bucket_hours else 0
        for pack in packed:
            for offset, amount in unpack(pack):
                if edge.from_us <= offset < edge.to_us:
                    yield groups[series_id], bucket, amount


def _arguments(query: RollupQuery, groups: Mapping[int, int]) -> Iterable[object]:
    hours = query.hours
    return (list(groups), list(groups.values()), hours.first, hours.last, query.bucket_hours)
