"""A usage log on memory or Postgres, each with its store, for the suite that holds both."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.ingest.acceptance.memory import MemoryDeduplicationStore
from services.ingest.acceptance.ports import DeduplicationStore
from services.ingest.acceptance.postgres import PostgresDeduplicationStore
from services.ingest.tests.offers import NOON
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.service_database import service_pool

OWN_MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Kept:
    """A history and the log beside it."""

    store: Store
    log: DeduplicationStore


@pytest_asyncio.fixture
async def pool(database_url: str) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    async with service_pool(database_url, [OWN_MIGRATIONS]) as opened:
        yield opened


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgres":
        pool = request.getfixturevalue("pool")
        return Kept(PostgresEventStore(pool, "ingest", CONTRACTS), PostgresDeduplicationStore(pool))
    store = MemoryEventStore("ingest", FakeClock(NOON), CONTRACTS)
    return Kept(store, MemoryDeduplicationStore(store))
