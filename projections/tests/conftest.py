"""A read side in memory and one on Postgres; tests with `either_side` run on both."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from projections.engine.event_archive import EventArchive
from projections.engine.freshness import FreshnessStore
from projections.engine.postgres.build_tables import build_missing_tables
from projections.engine.postgres.event_archive import PostgresEventArchive
from projections.engine.postgres.freshness import PostgresFreshness
from projections.engine.postgres.row_store import PostgresRowStore, ReadPool
from projections.engine.projector import Projector
from projections.engine.request_reader import ReadStores
from projections.engine.row_store import RowStore
from projections.register import READ_MODELS
from projections.settings import ProjectionsSettings
from projections.tests.scenarios import CONSUMER, PARTITIONS, MemoryReadSide
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.postgres import PostgresEventStore

MIGRATIONS = Path(__file__).parents[1] / "migrations"


class PostgresReadSide:
    """A read side on a database of its own, under a role of few rights."""

    def __init__(self, dsn: str, owner_dsn: str, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        executor: Any = ReadPool(pool)
        self.dsn, self.owner_dsn, self.pool = dsn, owner_dsn, pool
        self.store: Store = PostgresEventStore(pool, "projections", CONTRACTS)
        self.rows: RowStore = PostgresRowStore(executor)
        self.archive: EventArchive = PostgresEventArchive(executor)
        self.freshness: FreshnessStore = PostgresFreshness(executor, self.store, CONSUMER)
        self.projector = Projector(READ_MODELS, self.rows, self.archive, self.freshness, PARTITIONS)


ReadSide = MemoryReadSide | PostgresReadSide


@pytest.fixture
async def app_dsn(database_url: str) -> AsyncIterator[str]:
    """The migrated database, as its application role sees it."""
    role, password = f"projections_{secrets.token_hex(4)}", secrets.token_hex(8)
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await migrate.apply(database_url, [migrate.MIGRATIONS, MIGRATIONS], app_role=role)
    url = urlsplit(database_url)
    yield url._replace(netloc=f"{role}:{password}@{url.netloc.rpartition('@')[2]}").geturl()
    await admin.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
    await admin.execute(f"DROP OWNED BY {role}")
    await admin.execute(f"DROP ROLE {role}")
    await admin.close()


@pytest.fixture
async def postgres_side(database_url: str, app_dsn: str) -> AsyncIterator[PostgresReadSide]:
    await build_missing_tables(app_dsn, READ_MODELS)
    pool = await connect(app_dsn, size_max=4, parameters=ProjectionsSettings.database_parameters)
    yield PostgresReadSide(app_dsn, database_url, pool)
    await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def either_side(request: pytest.FixtureRequest) -> ReadSide:
    """The read side in memory, then the one on Postgres."""
    if request.param == "memory":
        return MemoryReadSide()
    side: PostgresReadSide = request.getfixturevalue("postgres_side")
    return side


def stores_of(side: ReadSide) -> ReadStores:
    return ReadStores(side.rows, side.archive, side.freshness)
