"""Data of before migration 0003 is counted again: from ingest's history, by the rules of today."""

import shutil
from collections.abc import AsyncIterator
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import asyncpg
import msgspec
import pytest_asyncio

from services.metering.backfills.tests.test_backfill import END, START, backfill_of
from services.metering.conftest import OWN_MIGRATIONS, stores_on
from services.metering.readings.tests.test_readings import Scenario
from services.metering.rollups.accumulator import Series
from services.metering.rollups.tests.test_rollups import event_of, total
from services.metering.tests.usage import NOON, TENANT, meter
from services.metering.usage_totals.tests.test_publisher import published, publisher_of
from shared.framework.eventstore import migrate
from shared.framework.testing.service_database import service_pool

BY_SIZE = meter("by-size", "sum", group_by=("size",))
ADD_SERIES = """
INSERT INTO series (key, tenant_id, meter_id, subject, dimensions, is_additive)
VALUES ($1, $2, $3, $4, $5, true) RETURNING series_id
"""
HOUR = int(NOON.timestamp()) // 3600


@pytest_asyncio.fixture
async def old(database_url: str, tmp_path: Path) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """A database of before: a meter that had counted 1.0 and 1 apart, and had not read 1e21."""
    folder = tmp_path / OWN_MIGRATIONS.parent.name / OWN_MIGRATIONS.name
    folder.mkdir(parents=True)
    for name in ("0001_metering.sql", "0002_meters_catch_up.sql"):
        shutil.copy(OWN_MIGRATIONS / name, folder)
    admin = await asyncpg.connect(database_url)
    async with service_pool(database_url, [folder]) as pool:
        definition = msgspec.json.encode(BY_SIZE)
        await admin.execute(
            "INSERT INTO meters VALUES ($1, $2, $3, $4, 0)", TENANT, BY_SIZE.key, BY_SIZE.meter_id, definition
        )
        await admin.execute("SELECT metering_month($1)", HOUR)
        await admin.execute("INSERT INTO unreadable VALUES ($1, $2, 1)", BY_SIZE.meter_id, NOON.date())
        for size in ("1", "1.0"):
            series = Series(TENANT, BY_SIZE.meter_id, "UA", (size,))
            key = blake2b(msgspec.json.encode(series), digest_size=16).digest()
            series_id = await admin.fetchval(ADD_SERIES, key, *series)
            await admin.execute("INSERT INTO rollups VALUES ($1, $2, 5)", HOUR, series_id)
        role = await pool.fetchval("SELECT current_user")
        await migrate.apply(database_url, [migrate.MIGRATIONS, OWN_MIGRATIONS], app_role=role)
        yield pool
    await admin.close()


async def test_old_totals_are_replaced_by_those_of_the_whole_history(
    old: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    """Equal values are one group, what could not be read is counted or listed; the days are told again."""
    stores = stores_on(old)
    scenario = Scenario(stores)
    await scenario.accept(
        event_of('{"value":5,"size":1.0}'),
        event_of('{"value":5,"size":1}'),
        event_of('{"value":1e21,"size":"2"}'),
        event_of('{"value":1,"size":[1]}'),
    )
    await scenario.fold()
    assert await publisher_of(stores).publish_changed_days() == 0
    backfill = backfill_of(scenario)
    while await backfill.step():
        pass
    counted = await total(stores, BY_SIZE, "UA", START, END)
    assert counted == {("1",): Decimal(10), ("2",): Decimal("1e21")}
    assert await stores.meters.unreadable_count(TENANT, BY_SIZE.meter_id) == 1
    await publisher_of(stores).publish_changed_days()
    told = [
        (window.dimensions["size"], window.value)
        for event in await published(stores)
        for window in event.windows
    ]
    assert sorted(told) == [("1", Decimal(10)), ("1.0", Decimal(0)), ("2", Decimal("1e21"))]
