"""Options that all subcommands share, and output for people and machines."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import httpx2
import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from tollhouse.client import CallFailed
from tollhouse.installation_state import AlreadyRunning
from tollhouse.running_installation import NotRunning, RunningInstallation, find_running
from tollhouse.servers.child_process import ChildDied, ChildNotReady

T = TypeVar("T")

Folder = Annotated[
    Path,
    typer.Option("--folder", envvar="TOLLHOUSE_HOME", help="The folder of the installation's data and keys."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DEFAULT_FOLDER = Path(".tollhouse")

FAILED, NOT_RUNNING = 1, 2

console = Console()
errors = Console(stderr=True)


def print_json(answer: Any) -> None:
    """Print one JSON document on standard output, nothing else."""
    sys.stdout.buffer.write(msgspec.json.encode(answer, order="deterministic") + b"\n")
    sys.stdout.buffer.flush()


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print an error message on standard error, and exit with `code`."""
    errors.print(f"[red]tollhouse:[/red] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def running_installation(folder: Path) -> RunningInstallation:
    """The installation that runs on a folder, or exit code 2 with a hint how to start it."""
    try:
        return find_running(folder)
    except NotRunning as error:
        fail(str(error), NOT_RUNNING)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; expected failures become one line on standard error and exit code 1."""
    try:
        return asyncio.run(work)
    except (AlreadyRunning, ChildDied, ChildNotReady, CallFailed) as failure:
        fail(str(failure))
    except httpx2.TransportError as failure:
        fail(f"no answer from {failure.request.url}: {failure!r}")
