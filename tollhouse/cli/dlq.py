"""`tollhouse dlq`: messages that could not be handled, and the messages queued behind them."""

import asyncio
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

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
    running_installation,
)
from tollhouse.client import TIMEOUT, CallFailed
from tollhouse.credentials import EVERY_TENANT, Credentials

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay.")

Context = Annotated[str | None, typer.Option(help="Only this service: ingest, metering, ..., projections.")]


@app.command("list")
def list_(context: Context = None, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """List all dead letters, oldest first per service."""
    letters = run(_dead_letters(folder, context))
    if as_json:
        print_json(letters)
        return
    for process, letter in letters:
        record = letter["record"]
        _print_line(console, f"{process}  {record['position']} of {letter['topic']}  {record['wire_name']}")
        _print_line(
            console, f"    {record['stream_id']} v{record['version']} of tenant {record['tenant_id']}"
        )
        _print_line(console, f"    {letter['cause']}")
    if not letters:
        console.print("no dead letters")


@app.command()
def show(
    context: Annotated[str, typer.Argument(help="The service that could not process it.")],
    position: Annotated[int, typer.Argument(help="The position of the message, as listed.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Show one dead letter in full, as JSON."""
    found = [
        letter
        for _, letter in run(_dead_letters(folder, context))
        if letter["record"]["position"] == position
    ]
    if not found:
        fail(f"{context} has no dead letter at position {position}")
    print_json(found)


@app.command()
def replay(context: Context = None, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Process dead letters again, in order; exit 1 if some still fail."""
    done = dict(run(_request(folder, context, "POST", "/dead-letters/replay")))
    failing = sum(len(one["failing"]) for one in done.values())
    if as_json:
        print_json(done)
    else:
        for process, one in done.items():
            console.print(f"{process}: {one['handled']} handled, {len(one['failing'])} still failing")
            for letter in one["failing"]:
                _print_line(
                    errors, f"    {letter['record']['position']} of {letter['topic']}: {letter['cause']}"
                )
    raise typer.Exit(FAILED if failing else 0)


def _print_line(to: Console, line: str) -> None:
    """Print a line unchanged: no wrapping of ids, no markup in a cause."""
    to.print(line, soft_wrap=True, highlight=False, markup=False)


async def _dead_letters(folder: Any, context: str | None) -> list[tuple[str, dict[str, Any]]]:
    answers = await _request(folder, context, "GET", "/dead-letters")
    return [(process, letter) for process, letters in answers for letter in letters]


async def _request(folder: Any, context: str | None, method: str, path: str) -> list[tuple[str, Any]]:
    urls = running_installation(folder).urls
    if context is not None and context not in urls:
        fail(f"{context!r} is none of {', '.join(urls)}")
    token = Credentials(folder / "keys").token(tenant=EVERY_TENANT, role="service")

    async def request(process: str) -> tuple[str, Any]:
        answer = await http.request(method, urls[process] + path)
        if answer.is_error:
            raise CallFailed(answer.status_code, answer.json())
        return process, answer.json()

    async with httpx2.AsyncClient(timeout=TIMEOUT, headers={"authorization": f"Bearer {token}"}) as http:
        return list(await asyncio.gather(*(request(process) for process in ([context] if context else urls))))
