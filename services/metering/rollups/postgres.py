"""Rollups in Postgres: binary COPY into a staging table, then MERGE, in the transaction of the inbox."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import asyncpg
import msgspec

from services.metering.aggregations.aggregation import Combination
from services.metering.rollups.accumulator import RollupCell, Series, UsageAccumulator
from services.metering.rollups.hours import day_of
from services.metering.rollups.ports import CONSUMER, ChangedDay, RollupSnapshot
from services.metering.rollups.snapshot import PostgresRollupSnapshot
from services.metering.rollups.unreadable_usage import UnreadableEvent
from shared.framework.eventstore.pool import ACQUIRE_TIMEOUT_S, translate_errors
from shared.framework.eventstore.records import CommitReceipt, SideWrite

SERIES_CACHED_MAX = 500_000

_ADD_SERIES = """
INSERT INTO series (key, tenant_id, meter_id, subject, dimensions, is_additive, is_maximum)
SELECT new.key, new.tenant_id, new.meter_id, new.subject,
       ARRAY(SELECT jsonb_array_elements_text(new.dimensions)), new.is_additive, new.is_maximum
FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::boolean[])
     AS new (key, tenant_id, meter_id, subject, dimensions, is_additive, is_maximum)
ON CONFLICT (key) DO NOTHING
"""
_SERIES_IDS = "SELECT key, series_id FROM series WHERE key = ANY($1::bytea[])"
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (
    hour integer NOT NULL, series_id bigint NOT NULL, value numeric NOT NULL
) ON COMMIT DELETE ROWS
"""
# The hours are a constant, else the MERGE would read whole partitions.
_MERGE = """
MERGE INTO rollups AS kept USING staged AS new
ON kept.hour = new.hour AND kept.series_id = new.series_id AND kept.hour = ANY($1::integer[])
WHEN MATCHED THEN UPDATE SET value = kept.value + new.value
WHEN NOT MATCHED THEN INSERT (hour, series_id, value) VALUES (new.hour, new.series_id, new.value)
"""
_ADD_MAXIMA = """
INSERT INTO rollups AS kept (hour, series_id, value)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::numeric[])
ON CONFLICT (hour, series_id) DO UPDATE SET value = greatest(kept.value, excluded.value)
"""
_ADD_UNIQUES = """
INSERT INTO uniques (hour, series_id, value)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING
"""
_ADD_CHANGED = """
INSERT INTO changed_days AS kept (series_id, day, marks)
SELECT series_id, day, 1 FROM unnest($1::bigint[], $2::date[]) AS new (series_id, day)
ON CONFLICT (day, series_id) DO UPDATE SET marks = kept.marks + 1
"""
_ADD_UNREADABLE = """
INSERT INTO unreadable_counts AS kept (meter_id, events) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (meter_id) DO UPDATE SET events = kept.events + excluded.events
"""
_DELETE_PUBLISHED = """
DELETE FROM changed_days AS kept
USING unnest($1::bigint[], $2::date[], $3::bigint[]) AS published (series_id, day, marks)
WHERE kept.series_id = published.series_id AND kept.day = published.day AND kept.marks = published.marks
"""

_EMPTY_ROLLUPS = """
INSERT INTO changed_days AS kept (series_id, day, marks)
SELECT DISTINCT series_id, (timestamp 'epoch' + hour * interval '1 hour')::date, 1
FROM (SELECT series_id, hour FROM rollups UNION SELECT series_id, hour FROM uniques) AS counted
ON CONFLICT (day, series_id) DO UPDATE SET marks = kept.marks + 1;
TRUNCATE rollups, uniques, points, unreadable_events, unreadable_counts;
UPDATE meters SET joined_from = NULL
"""

_hour_and_series = itemgetter(0, 1)
_pack_points = msgspec.msgpack.Encoder().encode


class PostgresRollups:
    """See RollupStore. New series and partitions are made before the transaction."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._series = SeriesIds(pool)
        self._months: set[tuple[int, int]] = set()

    async def record_write(self, usage: UsageAccumulator) -> SideWrite | None:
        cells = list(usage.cells())
        if not cells and not usage.unreadable:
            return None
        ids = await self._series.ids_of({series: cell.combination for series, _, cell in cells})
        await self._make_months({hour for _, hour, _ in cells})
        # In key order: neighbours go to the same page, and two writers cannot deadlock.
        rows = sorted([(hour, ids[series], cell) for series, hour, cell in cells], key=_hour_and_series)

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            if rows:
                await _write_cells(connection, rows)
            if usage.unreadable:
                await _write_unreadable(connection, usage.unreadable)

        return write

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[RollupSnapshot]:
        with translate_errors():
            async with (
                self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield PostgresRollupSnapshot(connection, self._series.cache)

    async def mark_published_write(self, days: Sequence[ChangedDay]) -> SideWrite:
        ids = await self._series.ids_of({one.series: None for one in days})
        rows = sorted((ids[one.series], one.day, one.changes_count) for one in days)

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            await connection.execute(_DELETE_PUBLISHED, *_columns(rows))

        return write

    async def unpublished_count(self) -> int:
        with translate_errors():
            return int(await self._pool.fetchval("SELECT count(*) FROM changed_days"))

    async def _make_months(self, hours: set[int]) -> None:
        months = {(day_of(hour).year, day_of(hour).month): hour for hour in hours}
        for month in sorted(months.keys() - self._months):
            with translate_errors():
                await self._pool.execute("SELECT metering_month($1)", months[month])
            self._months.add(month)


async def empty_rollups(connection: Any) -> None:
    """Empty the rollups, so that every meter counts ingest's whole history again; for the database's owner.

    Every day that has a total is marked as changed: if its usage does not come again, its total of 0 is
    published. Within a transaction, and while the service is stopped.
    """
    await connection.execute(_EMPTY_ROLLUPS)
    await connection.execute("DELETE FROM inbox WHERE starts_with(consumer, $1)", f"{CONSUMER}.backfill.")


class SeriesIds:
    """The ids of series: a cache over their table. An id never changes."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._cached: dict[Series, int] = {}

    def cache(self, series: Series, series_id: int) -> None:
        """Keep the id of a series; a full cache is emptied first."""
        if len(self._cached) >= SERIES_CACHED_MAX:
            self._cached.clear()
        self._cached[series] = series_id

    async def ids_of(self, wanted: Mapping[Series, Combination | None]) -> Mapping[Series, int]:
        """Ids of series, each with its combination; new ones are made in a transaction of their own.

        None: the series is not new. An id that stays unused because the commit fails does no harm.
        """
        found = {series: self._cached[series] for series in wanted if series in self._cached}
        new = {series: combination for series, combination in wanted.items() if series not in found}
        if new:
            keys = {_key(series): series for series in new}
            rows = sorted(
                (key, *one[:3], msgspec.json.encode(one.dimensions).decode(), *_kept_as(new[one]))
                for key, one in keys.items()
            )
            with translate_errors():
                await self._pool.execute(_ADD_SERIES, *_columns(rows))
                fetched = await self._pool.fetch(_SERIES_IDS, list(keys))
            for row in fetched:
                series = keys[row["key"]]
                self.cache(series, row["series_id"])
                found[series] = row["series_id"]
        return found


def _key(series: Series) -> bytes:
    # A JSON array, so that different series never have the same bytes.
    return blake2b(msgspec.json.encode(series), digest_size=16).digest()


def _kept_as(combination: Combination | None) -> tuple[bool, bool]:
    """The columns is_additive and is_maximum of a series."""
    return combination is Combination.SUM, combination is Combination.MAXIMUM


async def _write_cells(connection: Any, cells: Sequence[tuple[int, int, RollupCell]]) -> None:
    sums = [
        (hour, series_id, cell.value)
        for hour, series_id, cell in cells
        if cell.combination is Combination.SUM
    ]
    if sums:
        await connection.execute(_STAGE)
        await connection.copy_records_to_table("staged", records=sums)
        await connection.execute(_MERGE, sorted({hour for hour, _, _ in sums}))
    maxima = [
        (hour, series_id, max(value for _, value in cell.points))
        for hour, series_id, cell in cells
        if cell.combination is Combination.MAXIMUM
    ]
    if maxima:
        await connection.execute(_ADD_MAXIMA, *_columns(maxima))
    values = [
        (hour, series_id, value)
        for hour, series_id, cell in cells
        if cell.combination is Combination.DIFFERENT
        for value in sorted({value for _, value in cell.points})
    ]
    if values:
        await connection.execute(_ADD_UNIQUES, *_columns(values))
    points = [(hour, series_id, _pack_points(cell.points)) for hour, series_id, cell in cells]
    await connection.copy_records_to_table("points", records=points)
    changed = sorted({(hour // 24 * 24, series_id) for hour, series_id, _ in cells})
    days = [day_of(hour) for hour, _ in changed]
    await connection.execute(_ADD_CHANGED, [series_id for _, series_id in changed], days)


async def _write_unreadable(connection: Any, events: Sequence[UnreadableEvent]) -> None:
    rows = [msgspec.structs.astuple(event) for event in events]
    await connection.copy_records_to_table(
        "unreadable_events", records=rows, columns=UnreadableEvent.__struct_fields__
    )
    counts = Counter(event.meter_id for event in events)
    await connection.execute(_ADD_UNREADABLE, *_columns(sorted(counts.items())))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return list(map(list, zip(*rows, strict=True)))
