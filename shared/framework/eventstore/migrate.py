"""Numbered SQL files, each run once and in order, by whoever owns the database."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

MIGRATIONS = Path(__file__).parent / "migrations"
"""The event store's own; every context applies them before its own folder."""

CONNECT_TIMEOUT_S = 10.0
LOCK_KEY = 213531
"""Advisory lock of the database: two processes that start at once migrate one after the other."""

_FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class MigrationIsInvalid(Exception):
    """A migration's file name, a role's name, or an already applied file that has changed since."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `name` is its room and file name, such as `eventstore/0001_events.sql`."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What the file said, so that a later edit is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def apply(dsn: str, folders: Sequence[Path], *, app_role: str) -> list[str]:
    """Apply what is new of these folders, in order, each file in a transaction of its own; their names.

    `:app_role` in a file stands for the service's role, which must exist. Raises MigrationIsInvalid.
    """
    if not _ROLE_NAME.fullmatch(app_role):
        raise MigrationIsInvalid(f"no role may be called {app_role!r}")
    migrations = [migration for folder in folders for migration in migrations_of(folder)]
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S)
    try:
        return await _apply_new(connection, migrations, app_role)
    finally:
        await connection.close()


def migrations_of(folder: Path) -> list[Migration]:
    """The folder's files by number. Raises MigrationIsInvalid for a name that is not `0001_words.sql`."""
    files = sorted(folder.glob("*.sql"))
    strange = [file.name for file in files if not _FILE_NAME.fullmatch(file.name)]
    if strange:
        raise MigrationIsInvalid(f"{folder}: {', '.join(strange)}")
    return [Migration(f"{folder.parent.name}/{file.name}", file.read_text()) for file in files]


async def _apply_new(
    connection: "asyncpg.Connection[asyncpg.Record]", migrations: Iterable[Migration], app_role: str
) -> list[str]:
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)  # released when the connection closes
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, digest text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name, digest FROM schema_migrations")
    applied = {row["name"]: row["digest"] for row in rows}
    new = []
    for migration in migrations:
        if migration.name not in applied:
            await _run(connection, migration, app_role)
            new.append(migration.name)
        elif applied[migration.name] != migration.digest:
            raise MigrationIsInvalid(f"{migration.name} was applied and has changed since: write a new file")
    return new


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration, app_role: str) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql.replace(":app_role", f'"{app_role}"'))
        await connection.execute(
            "INSERT INTO schema_migrations (name, digest) VALUES ($1, $2)", migration.name, migration.digest
        )
