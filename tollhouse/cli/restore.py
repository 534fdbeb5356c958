"""`tollhouse restore` and `tollhouse reconcile`: databases from a backup, and positions that fit together."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.framework.core.instants import parse_instant
from tollhouse.cli.output import DEFAULT_FOLDER, AsJson, Folder, console, fail, print_json, run
from tollhouse.provision import ProvisionRefused
from tollhouse.recovery.broker_topics import BrokerIsUnavailable
from tollhouse.recovery.manifest import BackupIsUnusable, backup_at
from tollhouse.recovery.postgres_tools import PostgresToolFailed
from tollhouse.recovery.reconcile import ReconcileOptions
from tollhouse.recovery.reconcile import reconcile as reconcile_databases
from tollhouse.recovery.report import RecoveryReport
from tollhouse.recovery.restore import Restored, RestoreRefused, restore_databases
from tollhouse.recovery.target import stopped_installation

FAILURES = (
    BackupIsUnusable,
    BrokerIsUnavailable,
    PostgresToolFailed,
    ProvisionRefused,
    RestoreRefused,
    OSError,
)

Backup = Annotated[Path, typer.Argument(help="A backup, or the folder with all of them.")]
At = Annotated[str | None, typer.Option(help="The newest backup up to this RFC 3339 instant.")]
Replace = Annotated[
    list[str] | None, typer.Option(help="A database that is there and shall be replaced; or `all`.")
]
NotStarted = Annotated[
    bool,
    typer.Option(help="No service has run since the databases were restored: nothing is consumed twice."),
]
RebuildUsage = Annotated[bool, typer.Option(help="Let metering count the whole usage again.")]


def restore(
    backup: Backup,
    at: At = None,
    replace: Replace = None,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Restore the databases that are missing or empty, and reconcile all. Services must be stopped."""
    try:
        restored, report = run(_restore(backup, _instant(at), replace or [], folder))
    except FAILURES as failure:
        fail(str(failure))
    if as_json:
        print_json({"restored": restored.restored, "kept": restored.kept} | asdict(report))
        return
    console.print(f"restored: {', '.join(restored.restored)}", highlight=False)
    console.print(f"kept: {', '.join(restored.kept) or 'none'}", highlight=False)
    _show(report)


def reconcile(
    not_started: NotStarted = False,
    rebuild_usage: RebuildUsage = False,
    folder: Folder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """Make databases that were restored to different moments fit together. The services must be stopped."""
    try:
        report = run(_reconcile(folder, started=not not_started, rebuild_usage=rebuild_usage))
    except FAILURES as failure:
        fail(str(failure))
    if as_json:
        print_json(asdict(report))
    else:
        _show(report)


async def _restore(
    backup: Path, at: datetime | None, replace: list[str], folder: Path
) -> tuple[Restored, RecoveryReport]:
    chosen = backup_at(backup, at)
    async with stopped_installation(folder) as target:
        restored = await restore_databases(target.databases, chosen, replace=replace)
        options = ReconcileOptions(target.bootstrap, services_have_run=False)
        return restored, await reconcile_databases(target.databases, options)


async def _reconcile(folder: Path, *, started: bool, rebuild_usage: bool) -> RecoveryReport:
    async with stopped_installation(folder) as target:
        options = ReconcileOptions(target.bootstrap, started, rebuild_usage)
        return await reconcile_databases(target.databases, options)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        fail(f"--at {text!r} {error}")


def _show(report: RecoveryReport) -> None:
    for line in report.lines():
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print("[bold]reconcile: done[/bold]: start it with `tollhouse up`, then run `tollhouse verify`")
