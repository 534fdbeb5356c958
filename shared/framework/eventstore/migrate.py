"""Migrations: numbered SQL files, each applied once and in order by the owner of the database."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

MIGRATIONS = Path(__file__).parent / "migrations"
"""The migrations of the event store; every context applies them before its own."""

CONNECT_TIMEOUT_S = 10.0
LOCK_KEY = 213531
"""Advisory lock in the database, so that two processes that start at once migrate one after the other."""

_FILE_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class MigrationIsInvalid(Exception):
    """A file name or a role name is invalid, or an applied file has been changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file; `name` is its parent folder and file name, such as `eventstore/0001_events.sql`."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the SQL, stored to detect that an applied file was edited."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def apply(dsn: str, folders: Sequence[Path], *, app_role: str) -> list[str]:
    """Apply the new files of these folders in order, each in a transaction of its own; returns their names.

    `:app_role` in a file is replaced by the service's role, which must exist. Raises MigrationIsInvalid.
    """
    if not _ROLE_NAME.fullmatch(app_role):
        raise MigrationIsInvalid(f"{app_role!r} is no valid role name")
    migrations = [migration for folder in folders for migration in migrations_of(folder)]
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S)
    try:
        return await _apply_new(connection, migrations, app_role)
    finally:
        await connection.close()


def migrations_of(folder: Path) -> list[Migration]:
    """The migrations in a folder by number. Raises MigrationIsInvalid for a name unlike `0001_words.sql`."""
    files = sorted(folder.glob("*.sql"))
    invalid = [file.name for file in files if not _FILE_NAME.fullmatch(file.name)]
    if invalid:
        raise MigrationIsInvalid(f"{folder}: {', '.join(invalid)}")
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
