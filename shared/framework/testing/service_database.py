"""A migrated database with a role that has exactly the rights of a service."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect


@asynccontextmanager
async def service_pool(
    database_url: str, folders: Sequence[Path]
) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """A pool on an empty database, after the migrations of the event store and of these folders."""
    role = f"test_app_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'app'")
    await admin.execute("REVOKE ALL ON DATABASE " + urlsplit(database_url).path[1:] + " FROM PUBLIC")
    await admin.execute(f"GRANT CONNECT ON DATABASE {urlsplit(database_url).path[1:]} TO {role}")
    await migrate.apply(database_url, [migrate.MIGRATIONS, *folders], app_role=role)
    address = urlsplit(database_url)
    host = address.netloc.rpartition("@")[2]
    pool = await connect(address._replace(netloc=f"{role}:app@{host}").geturl())
    try:
        yield pool
    finally:
        await pool.close()
        await admin.execute(f"DROP OWNED BY {role}")
        await admin.execute(f"DROP ROLE {role}")
        await admin.close()
