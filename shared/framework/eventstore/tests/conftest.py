"""A migrated database per test, copied from one that is migrated once."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio

from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect

APP_ROLE = "eventstore_test_app"


@dataclass(frozen=True, slots=True)
class Database:
    """Addresses of one database: for who owns it, and for the service with its few rights."""

    owner_dsn: str
    app_dsn: str


def _in(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(postgres_url: str) -> AsyncIterator[str]:
    name = f"template_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(
        f"DO $$ BEGIN CREATE ROLE {APP_ROLE} LOGIN PASSWORD 'app';"  # pragma: allowlist secret
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    await admin.execute(f"CREATE DATABASE {name}")
    await migrate.apply(_in(postgres_url, name), [migrate.MIGRATIONS], app_role=APP_ROLE)
    yield name
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def database(postgres_url: str, template: str) -> AsyncIterator[Database]:
    name = f"test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    owner = _in(postgres_url, name)
    address = urlsplit(owner)
    host = address.netloc.rpartition("@")[2]
    yield Database(owner, address._replace(netloc=f"{APP_ROLE}:app@{host}").geturl())
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def pool(database: Database) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """Connections as the service has them."""
    opened = await connect(database.app_dsn, size_max=16)
    yield opened
    await opened.close()
