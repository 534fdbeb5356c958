"""`tollhouse demo`: a year of real flights, billed, collected and verified."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from projections.audit.report import AuditReport
from tollhouse.cli.output import (
    DEFAULT_FOLDER,
    FAILED,
    AsJson,
    Folder,
    console,
    errors,
    fail,
    print_json,
    run,
)
from tollhouse.cli.verify import run_audit
from tollhouse.cli.verify import show as show_report
from tollhouse.demo.report import show
from tollhouse.demo.run import DemoResult, departures_of, run_demo
from tollhouse.demo.scenario import TENANT
from tollhouse.installation_state import AlreadyRunning, exclusive_lock
from tollhouse.supervisor import Stack

MARKER = ".made-by-demo"
"""File in a folder that a demo made, and may therefore remove."""


def demo(
    months: Annotated[int, typer.Option(min=1, max=12, help="The number of months of 2013 to bill.")] = 12,
    folder: Folder = DEFAULT_FOLDER / "demo",
    as_json: AsJson = False,
) -> None:
    """Start a fresh installation, bill sixteen airlines for their departures of 2013, collect and verify."""
    _clear(folder)
    outcome, report = run(_demo(folder, months, as_json))
    if as_json:
        print_json(asdict(outcome) | {"verify": report})
    else:
        show(console, outcome)
        show_report(report)
        console.print(f"Look around: tollhouse up --folder {folder} --tenant {TENANT}", highlight=False)
    raise typer.Exit(0 if report.ok else FAILED)


def _clear(folder: Path) -> None:
    """Remove the installation of an earlier demo; fail for any other folder that is not empty."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        fail(f"{folder} has data that no demo made: choose another --folder, or remove it yourself")
    try:
        with exclusive_lock(folder):
            shutil.rmtree(folder)
    except AlreadyRunning as running:
        fail(str(running))
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


async def _demo(folder: Any, months: int, as_json: bool) -> tuple[DemoResult, AuditReport]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    flights = departures_of(months)
    with Progress(*columns, console=errors if as_json else console) as progress:
        bar = progress.add_task("starting servers and services", total=len(flights))
        async with Stack.start(folder) as stack:
            outcome = await run_demo(
                stack,
                months,
                flights,
                on_progress=lambda count: progress.advance(bar, count),
                stage=lambda name: progress.update(bar, description=name),
            )
            progress.update(bar, description="verifying: rebuilding every read model")
            return outcome, await run_audit(stack.addresses(), stack.credentials)
