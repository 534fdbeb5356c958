"""Deduplication in memory or on Postgres, for suites that run on both."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.ingest.acceptance.memory import MemoryDeduplicationStore
from services.ingest.acceptance.ports import DeduplicationStore
from services.ingest.acceptance.postgres import PostgresDeduplicationStore
from services.ingest.metered_types.memory import MemoryMeteredTypes
from services.ingest.metered_types.ports import MeteredTypes
from services.ingest.metered_types.postgres import PostgresMeteredTypes
from services.ingest.tests.usage_events import NOON
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.service_database import service_pool

OWN_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Stores:
    """An event store with the deduplication and metered types of the same database."""

    store: Store
    deduplication: DeduplicationStore
    metered_types: MeteredTypes


@pytest_asyncio.fixture
async def pool(database_url: str) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    async with service_pool(database_url, [OWN_MIGRATIONS]) as opened:
        yield opened


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "postgres":
        pool = request.getfixturevalue("pool")
        return Stores(
            PostgresEventStore(pool, "ingest", CONTRACTS),
            PostgresDeduplicationStore(pool),
            PostgresMeteredTypes(pool),
        )
    store = MemoryEventStore("ingest", FakeClock(NOON), CONTRACTS)
    return Stores(store, MemoryDeduplicationStore(store), MemoryMeteredTypes(store))
