"""A consistent view of rollups and inbox: one repeatable-read transaction, which blocks nobody."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg

from services.metering.rollups.accumulator import Series
from services.metering.rollups.hours import PartialHour, first_hour
from services.metering.rollups.points import sum_within, values_within
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupQuery, RollupTotals
from services.metering.rollups.series_ids import SeriesIds
from shared.billing.contracts import TOPICS
from shared.billing.money import EXACT

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
ORDER BY c.day, c.series_id LIMIT $1
"""
_DAYS = """
SELECT d.number,
       CASE WHEN d.is_additive
            THEN (SELECT sum(value) FROM rollups r
                  WHERE r.series_id = d.series_id AND r.hour = ANY(d.hours))
            ELSE (SELECT count(DISTINCT value) FROM uniques u
                  WHERE u.series_id = d.series_id AND u.hour = ANY(d.hours))
       END AS value
FROM (
    SELECT number, series_id, is_additive, ARRAY(SELECT generate_series(first_hour, first_hour + 23)) AS hours
    FROM unnest($1::bigint[], $2::integer[], $3::boolean[])
         WITH ORDINALITY AS asked (series_id, first_hour, is_additive, number)
) AS d
ORDER BY d.number
"""


class PostgresRollupSnapshot:
    """See Snapshot."""

    def __init__(self, connection: Any, ids: SeriesIds) -> None:
        """`connection` is inside a repeatable-read transaction."""
        self._connection = connection
        self._ids = ids
        self._numbers: dict[Series, int] = {}

    async def position(self, partition: int) -> int:
        """See Snapshot."""
        position = await self._connection.fetchval(_POSITION, CONSUMER, TOPICS["ingest"], partition)
        return int(position or 0)

    async def series(self, tenant_id: str, meter_id: str, subject: str | None) -> Sequence[Series]:
        """See Snapshot."""
        rows = await self._connection.fetch(_SERIES, tenant_id, meter_id, subject)
        return [self._learnt(row) for row in rows]

    async def totals(self, question: RollupQuery) -> RollupTotals:
        """See Snapshot."""
        if not question.groups:
            return {}
        groups = {self._numbers[series]: group for series, group in question.groups.items()}
        edges = await self._points_at(question.stretch.edges, list(groups))
        if question.is_additive:
            return await self._sums(question, groups, edges)
        return await self._uniques(question, groups, edges)

    async def changed_days(self, limit: int) -> Sequence[ChangedDay]:
        """See Snapshot."""
        rows = await self._connection.fetch(_CHANGED, limit)
        if not rows:
            return []
        asked = [(row["series_id"], first_hour(row["day"]), row["is_additive"]) for row in rows]
        totals = await self._connection.fetch(_DAYS, *map(list, zip(*asked, strict=True)))
        return [
            ChangedDay(self._learnt(row), row["day"], Decimal(total["value"]), row["marks"])
            for row, total in zip(rows, totals, strict=True)
        ]

    async def _sums(
        self,
        question: RollupQuery,
        groups: Mapping[int, int],
        edges: Mapping[tuple[PartialHour, int], list[bytes]],
    ) -> RollupTotals:
        rows = await self._connection.fetch(_SUMS, *_asked(question, groups))
        found = {(row["number"], row["bucket"]): row["value"] for row in rows}
        for (edge, series_id), packs in edges.items():
            place = (groups[series_id], _bucket(edge.hour, question))
            part = sum_within(packs, edge)
            if part is not None:
                found[place] = EXACT.add(found.get(place, Decimal(0)), part)
        return found

    async def _uniques(
        self,
        question: RollupQuery,
        groups: Mapping[int, int],
        edges: Mapping[tuple[PartialHour, int], list[bytes]],
    ) -> RollupTotals:
        beside = [
            (groups[series_id], _bucket(edge.hour, question), value)
            for (edge, series_id), packs in edges.items()
            for value in values_within(packs, edge)
        ]
        columns = map(list, zip(*beside, strict=True)) if beside else ([], [], [])
        rows = await self._connection.fetch(_UNIQUES, *_asked(question, groups), *columns)
        return {(row["number"], row["bucket"]): row["value"] for row in rows}

    async def _points_at(
        self, edges: Sequence[PartialHour], series_ids: Sequence[int]
    ) -> Mapping[tuple[PartialHour, int], list[bytes]]:
        packs: defaultdict[tuple[PartialHour, int], list[bytes]] = defaultdict(list)
        if edges:
            by_hour = {edge.hour: edge for edge in edges}
            for row in await self._connection.fetch(_POINTS, list(by_hour), series_ids):
                packs[by_hour[row["hour"]], row["series_id"]].append(row["packed"])
        return packs

    def _learnt(self, row: asyncpg.Record) -> Series:
        series = Series(row["tenant_id"], row["meter_id"], row["subject"], tuple(row["dimensions"]))
        self._ids.learn(series, row["series_id"])
        self._numbers[series] = row["series_id"]
        return series


def _asked(question: RollupQuery, groups: Mapping[int, int]) -> Iterable[object]:
    stretch = question.stretch
    return (list(groups), list(groups.values()), stretch.first, stretch.last, question.bucket_hours)


def _bucket(hour: int, question: RollupQuery) -> int:
    return hour // question.bucket_hours if question.bucket_hours else 0
