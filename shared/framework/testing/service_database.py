"""A migrated database as a service sees it: through a role with exactly the rights that migrations grant."""

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
    """Connections to an empty database, migrated with the event store's folder and these."""
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
