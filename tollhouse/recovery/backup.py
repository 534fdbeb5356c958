"""Dumps all databases of a running installation as they are at one moment.

Each database is read in a snapshot of its own, so there are several moments. They fit together because no
event is consumed meanwhile: the inboxes of all databases are locked, then all snapshots are opened, then the
locks are released, after some milliseconds. What was consumed before is in its context's snapshot then.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

from shared.billing.contracts import TOPICS
from tollhouse.provision import Databases
from tollhouse.recovery.inspection import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S
from tollhouse.recovery.manifest import FORMAT, DatabaseBackup, Manifest, PositionEntry, backups_in, checksum
from tollhouse.recovery.positions import history_of, known_positions
from tollhouse.recovery.postgres_tools import database_url, run_tool
from tollhouse.servers.topics import PARTITIONS
from tollhouse.topology import SANDBOX, SERVICES, ServiceProcess

LOCK_TIMEOUT_MS = 10_000
"""For the lock of an inbox: longer than any transaction of a consumer."""

_LOCK = f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; LOCK TABLE inbox IN SHARE MODE"


@dataclass(frozen=True, slots=True)
class OpenSnapshot:
    """A database in a transaction that exports its snapshot."""

    name: str
    connection: Any
    snapshot_id: str


async def take_backup(
    databases: Databases, folder: Path, services: Sequence[ServiceProcess] = SERVICES
) -> tuple[Path, Manifest]:
    """Write a backup into a new folder below `folder`; its path and manifest.

    Raises PostgresToolFailed, OSError, asyncpg.PostgresError; then nothing of it remains.
    """
    started_at = datetime.now(UTC)
    target = folder / started_at.strftime("%Y%m%dT%H%M%S.%fZ")
    draft = folder / f".{target.name}.partial"
    draft.mkdir(parents=True, mode=0o700)
    try:
        async with _snapshots(databases, services) as snapshots:
            taken_at = datetime.now(UTC)
            backed_up = await asyncio.gather(*(_dump(databases, one, draft) for one in snapshots))
            postgres = snapshots[0].connection.get_server_version()
        manifest = Manifest(
            format=FORMAT,
            taken_at=taken_at,
            tollhouse=version("tollhouse"),
            postgres=f"{postgres.major}.{postgres.minor}",
            partitions=PARTITIONS,
            databases=tuple(backed_up),
        )
        manifest.write(draft)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return target, manifest


def remove_oldest(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups of a folder; the removed ones."""
    old = list(backups_in(folder))[:-keep]
    for path in old:
        shutil.rmtree(path)
    return old


@asynccontextmanager
async def _snapshots(
    databases: Databases, services: Sequence[ServiceProcess]
) -> AsyncIterator[list[OpenSnapshot]]:
    """Open snapshots of all databases that fit together; the sandbox's last, as a gateway is never behind."""
    async with AsyncExitStack() as snapshots:
        names = [*(service.name for service in services), SANDBOX]
        readers = {name: await snapshots.enter_async_context(_connected(databases, name)) for name in names}
        async with AsyncExitStack() as locks:
            lockers = [await locks.enter_async_context(_connected(databases, one.name)) for one in services]
            await asyncio.gather(*(_lock(connection) for connection in lockers))
            opened = [await _open(name, connection) for name, connection in readers.items()]
        yield opened


@asynccontextmanager
async def _connected(databases: Databases, name: str) -> AsyncIterator[Any]:
    """A connection of the server's administrator; what it began is rolled back at the end of the block."""
    connection = await asyncpg.connect(
        database_url(databases.server_url, f"tollhouse_{name}"),
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=STATEMENT_TIMEOUT_S,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def _lock(connection: Any) -> None:
    await connection.execute("BEGIN")
    await connection.execute(_LOCK)


async def _open(name: str, connection: Any) -> OpenSnapshot:
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return OpenSnapshot(name, connection, await connection.fetchval("SELECT pg_export_snapshot()"))


async def _dump(databases: Databases, snapshot: OpenSnapshot, folder: Path) -> DatabaseBackup:
    file = folder / f"{snapshot.name}.dump"
    url = database_url(databases.server_url, f"tollhouse_{snapshot.name}")
    wanted = ("--format=custom", "--compress=1", f"--snapshot={snapshot.snapshot_id}", f"--file={file}")
    await run_tool("pg_dump", url, *wanted)
    contents = await _contents(snapshot)
    digest = await asyncio.to_thread(checksum, file)
    return DatabaseBackup(
        name=snapshot.name, file=file.name, bytes=file.stat().st_size, sha256=digest, **contents
    )


async def _contents(snapshot: OpenSnapshot) -> Mapping[str, Any]:
    """What the snapshot contains, as far as the manifest tells it."""
    name, connection = snapshot.name, snapshot.connection
    if name == SANDBOX:
        return {"migrations": (), "events": 0, "last_position": 0, "positions": ()}
    known = [
        PositionEntry(one.holder, one.context, one.partition, one.position)
        for one in await known_positions(connection, name)
    ]
    history = await history_of(connection)
    if name in TOPICS:
        known += [PositionEntry("head", name, number, head) for number, head in history.heads.items()]
    return {
        "migrations": tuple(
            row[0] for row in await connection.fetch("SELECT name FROM schema_migrations ORDER BY name")
        ),
        "events": await connection.fetchval("SELECT count(*) FROM events"),
        "last_position": history.last,
        "positions": tuple(known),
    }
