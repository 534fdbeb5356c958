"""Rollups in Postgres: binary COPY into a staging table, then MERGE, in the transaction of the inbox."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any

import asyncpg

from services.metering.rollups.accumulator import RollupCell, UsageAccumulator
from services.metering.rollups.hours import day_of
from services.metering.rollups.points import pack
from services.metering.rollups.ports import ChangedDay, RollupSnapshot
from services.metering.rollups.series_ids import SeriesIds
from services.metering.rollups.snapshot import PostgresRollupSnapshot
from shared.framework.eventstore.pool import ACQUIRE_TIMEOUT_S, translate_errors
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (
    hour integer NOT NULL, series_id bigint NOT NULL, value numeric NOT NULL
) ON COMMIT DELETE ROWS
"""
# The hours as a constant: without them the MERGE would look through whole partitions.
_MERGE = """
MERGE INTO rollups AS kept USING staged AS new
ON kept.hour = new.hour AND kept.series_id = new.series_id AND kept.hour = ANY($1::integer[])
WHEN MATCHED THEN UPDATE SET value = kept.value + new.value
WHEN NOT MATCHED THEN INSERT (hour, series_id, value) VALUES (new.hour, new.series_id, new.value)
"""
_UNIQUES = """
INSERT INTO uniques (hour, series_id, value)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING
"""
_CHANGED = """
INSERT INTO changed_days AS kept (series_id, day, marks)
SELECT series_id, day, 1 FROM unnest($1::bigint[], $2::date[]) AS new (series_id, day)
ON CONFLICT (day, series_id) DO UPDATE SET marks = kept.marks + 1
"""
_UNREADABLE = """
INSERT INTO unreadable AS kept (meter_id, day, events)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[])
ON CONFLICT (meter_id, day) DO UPDATE SET events = kept.events + excluded.events
"""
_TOLD = """
DELETE FROM changed_days AS kept
USING unnest($1::bigint[], $2::date[], $3::bigint[]) AS told (series_id, day, marks)
WHERE kept.series_id = told.series_id AND kept.day = told.day AND kept.marks = told.marks
"""

_place = itemgetter(0, 1)


class PostgresRollups:
    """See RollupStore. Series and partitions are made when they are first met, outside the transaction."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """`pool` of the service's own database."""
        self._pool = pool
        self._ids = SeriesIds(pool)
        self._months: set[tuple[int, int]] = set()

    async def record(self, tally: UsageAccumulator) -> SideWrite | None:
        """See RollupStore."""
        cells = list(tally.cells())
        unreadable = sorted((*place, count) for place, count in tally.unreadable().items())
        if not cells and not unreadable:
            return None
        ids = await self._ids.of({series: cell.is_additive for series, _, cell in cells})
        await self._make_months({hour for _, hour, _ in cells})
        # By place: neighbours go to the same page, and two writers cannot wait for each other in a circle.
        placed = sorted([(hour, ids[series], cell) for series, hour, cell in cells], key=_place)

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            if placed:
                await _write_cells(connection, placed)
            if unreadable:
                await connection.execute(_UNREADABLE, *_columns(unreadable))

        return write

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[RollupSnapshot]:
        """See RollupStore."""
        with translate_errors():
            async with (
                self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield PostgresRollupSnapshot(connection, self._ids)

    async def mark_published(self, days: Sequence[ChangedDay]) -> SideWrite:
        """See RollupStore."""
        ids = await self._ids.of({one.series: True for one in days})
        rows = sorted((ids[one.series], one.day, one.marks) for one in days)

        async def write(connection: "asyncpg.Connection[asyncpg.Record]", _: CommitReceipt) -> None:
            await connection.execute(_TOLD, *_columns(rows))

        return write

    async def unpublished_count(self) -> int:
        """See RollupStore."""
        with translate_errors():
            return int(await self._pool.fetchval("SELECT count(*) FROM changed_days"))

    async def _make_months(self, hours: set[int]) -> None:
        months = {(day_of(hour).year, day_of(hour).month): hour for hour in hours}
        for month in sorted(months.keys() - self._months):
            with translate_errors():
                await self._pool.execute("SELECT metering_month($1)", months[month])
            self._months.add(month)


async def _write_cells(connection: Any, cells: Sequence[tuple[int, int, RollupCell]]) -> None:
    sums = [(hour, series_id, cell.value) for hour, series_id, cell in cells if cell.is_additive]
    if sums:
        await connection.execute(_STAGE)
        await connection.copy_records_to_table("staged", records=sums)
        await connection.execute(_MERGE, sorted({hour for hour, _, _ in sums}))
    values = [
        (hour, series_id, value)
        for hour, series_id, cell in cells
        if not cell.is_additive
        for value in sorted({value for _, value in cell.points})
    ]
    if values:
        await connection.execute(_UNIQUES, *_columns(values))
    points = [(hour, series_id, pack(cell.points)) for hour, series_id, cell in cells]
    await connection.copy_records_to_table("points", records=points)
    changed = sorted({(hour // 24 * 24, series_id) for hour, series_id, _ in cells})
    days = [day_of(hour) for hour, _ in changed]
    await connection.execute(_CHANGED, [series_id for _, series_id in changed], days)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return list(map(list, zip(*rows, strict=True)))
