"""`tollhouse backup`: all databases of an installation as they are at one moment, once or again and again."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from tollhouse.cli.output import DEFAULT_FOLDER, NOT_RUNNING, AsJson, Folder, console, fail, print_json, run
from tollhouse.provision import Databases, ProvisionRefused
from tollhouse.recovery.backup import remove_oldest, take_backup
from tollhouse.recovery.manifest import Manifest
from tollhouse.recovery.postgres_tools import PostgresToolFailed
from tollhouse.recovery.target import running_databases
from tollhouse.running_installation import NotRunning

Into = Annotated[Path, typer.Argument(help="The folder in which each backup gets a folder of its own.")]
Every = Annotated[int | None, typer.Option(min=10, help="Seconds from one backup to the next, until Ctrl-C.")]
Keep = Annotated[int, typer.Option(min=1, help="With --every: how many backups are kept.")]


@dataclass(frozen=True, slots=True)
class BackupSchedule:
    """How often, and how many are kept."""

    every: timedelta | None
    keep: int


def backup(
    into: Into,
    every: Every = None,
    keep: Keep = 10,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Dump every database of the running installation, in snapshots that fit together."""
    schedule = BackupSchedule(timedelta(seconds=every) if every else None, keep)
    try:
        run(_back_up(running_databases(folder), into, schedule, as_json))
    except NotRunning as error:
        fail(str(error), NOT_RUNNING)
    except (PostgresToolFailed, ProvisionRefused, OSError) as failure:
        fail(str(failure))


async def _back_up(databases: Databases, into: Path, schedule: BackupSchedule, as_json: bool) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        began_at = clock()
        _show(*await take_backup(databases, into), as_json)
        if schedule.every is None:
            return
        await asyncio.to_thread(remove_oldest, into, schedule.keep)
        await asyncio.sleep(max(0.0, schedule.every.total_seconds() - (clock() - began_at)))


def _show(path: Path, manifest: Manifest, as_json: bool) -> None:
    events = sum(one.events for one in manifest.databases)
    size = sum(one.bytes for one in manifest.databases)
    if as_json:
        print_json({"path": str(path), "taken_at": manifest.taken_at, "events": events, "bytes": size})
    else:
        console.print(f"{path}: {events:,} events, {size:,} bytes", highlight=False, soft_wrap=True)
