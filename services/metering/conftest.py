"""Metering in memory or on Postgres, for suites that run on both."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.metering.meters.memory import MemoryMeterRepository
from services.metering.meters.ports import MeterRepository
from services.metering.meters.postgres import PostgresMeterRepository
from services.metering.rollups.memory import MemoryRollups
from services.metering.rollups.ports import RollupStore
from services.metering.rollups.postgres import PostgresRollups
from services.metering.tests.usage import NOON
from services.metering.unreadable_usage.memory import MemoryUnreadableUsage
from services.metering.unreadable_usage.ports import UnreadableUsage
from services.metering.unreadable_usage.postgres import PostgresUnreadableUsage
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.service_database import service_pool

OWN_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Stores:
    """An event store with the meters, rollups and unreadable usage of the same database."""

    store: Store
    meters: MeterRepository
    rollups: RollupStore
    unreadable: UnreadableUsage


@pytest_asyncio.fixture
async def pool(database_url: str) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    async with service_pool(database_url, [OWN_MIGRATIONS]) as opened:
        yield opened


@pytest.fixture
def in_memory() -> Stores:
    store = MemoryEventStore("metering", FakeClock(NOON), CONTRACTS)
    return Stores(store, MemoryMeterRepository(store), MemoryRollups(store), MemoryUnreadableUsage(store))


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        memory: Stores = request.getfixturevalue("in_memory")
        return memory
    return request.getfixturevalue("on_postgres")  # type: ignore[no-any-return]


@pytest.fixture
def on_postgres(pool: "asyncpg.Pool[asyncpg.Record]") -> Stores:
    return stores_on(pool)


def stores_on(pool: "asyncpg.Pool[asyncpg.Record]") -> Stores:
    return Stores(
        PostgresEventStore(pool, "metering", CONTRACTS),
        PostgresMeterRepository(pool),
        PostgresRollups(pool),
        PostgresUnreadableUsage(pool),
    )
