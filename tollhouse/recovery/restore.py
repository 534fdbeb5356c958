"""Restores the databases of a backup that an installation does not have, or those that it shall replace."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tollhouse.provision import Databases, ensure_roles, provision
from tollhouse.recovery.inspection import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S
from tollhouse.recovery.manifest import BackupIsUnusable, Manifest, read_manifest
from tollhouse.recovery.postgres_tools import database_url, run_tool
from tollhouse.servers.topics import PARTITIONS
from tollhouse.topology import SANDBOX, SERVICES, ServiceProcess

EVERYTHING = "all"
"""Instead of names: every database is replaced."""

_CONTENT = {SANDBOX: "sandbox_entries", "projections": "history"}
"""The table that says whether a database has content; of all others it is `events`."""


class RestoreRefused(Exception):
    """Restoring would overwrite data that was not named, or services are still running."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The names of the restored databases, and of those that were there and were kept."""

    manifest: Manifest
    restored: Sequence[str]
    kept: Sequence[str]


async def restore_databases(
    databases: Databases,
    backup: Path,
    *,
    replace: Collection[str] = (),
    services: Sequence[ServiceProcess] = SERVICES,
) -> Restored:
    """Restore what is missing or empty, and what `replace` names; then migrate to this version.

    Raises BackupIsUnusable, RestoreRefused (before anything is changed), PostgresToolFailed.
    """
    manifest = (await asyncio.to_thread(read_manifest, backup)).checked(backup)
    if manifest.partitions != PARTITIONS:
        raise BackupIsUnusable(
            f"{backup} has {manifest.partitions} partitions, this installation {PARTITIONS}"
        )
    files = {one.name: backup / one.file for one in manifest.databases}
    admin = await asyncpg.connect(databases.server_url, timeout=CONNECT_TIMEOUT_S)
    try:
        await refuse_running_services(admin)
        kept = [name for name in files if await _has_content(databases, admin, name)]
        kept = [] if EVERYTHING in replace else [name for name in kept if name not in replace]
        wanted = [name for name in files if name not in kept]
        if not wanted:
            raise RestoreRefused("every database is there and has content: name what to replace")
        await ensure_roles(admin, databases, services)
        for name in wanted:
            await admin.execute(f"DROP DATABASE IF EXISTS tollhouse_{name} WITH (FORCE)")
    finally:
        await admin.close()
    await asyncio.gather(*(_restore(databases, files[name]) for name in wanted))
    await provision(databases, services)
    return Restored(manifest, wanted, kept)


async def refuse_running_services(admin: Any) -> None:
    """Raise RestoreRefused while a service is connected: it has positions in memory."""
    users = await admin.fetch(
        "SELECT DISTINCT usename FROM pg_stat_activity"
        " WHERE datname LIKE 'tollhouse\\_%' AND usename LIKE '%\\_app' ORDER BY 1"
    )
    if users:
        raise RestoreRefused(f"stop the services first; connected: {', '.join(row[0] for row in users)}")


async def _has_content(databases: Databases, admin: Any, name: str) -> bool:
    if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", f"tollhouse_{name}"):
        return False
    table = _CONTENT.get(name, "events")
    url = database_url(databases.server_url, f"tollhouse_{name}")
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S)
    try:
        if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
            return False
        return bool(await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"))
    finally:
        await connection.close()


async def _restore(databases: Databases, file: Path) -> None:
    wanted = ("--create", "--exit-on-error", "--dbname=postgres", str(file))
    await run_tool("pg_restore", database_url(databases.server_url, "postgres"), *wanted)
