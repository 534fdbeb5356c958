"""`tollhouse dlq`: messages that could not be handled, and what waits behind them."""

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
    run,
    running_installation,
    say_json,
)
from tollhouse.client import TIMEOUT, CallFailed
from tollhouse.credentials import EVERY_TENANT, Credentials

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay.")

Context = Annotated[str | None, typer.Option(help="Only this service: ingest, metering, ..., projections.")]


@app.command("list")
def list_(context: Context = None, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """List all dead letters, oldest first per service."""
    letters = run(_letters(folder, context))
    if as_json:
        say_json(letters)
        return
    for process, letter in letters:
        record = letter["record"]
        _say(console, f"{process}  {record['position']} of {letter['topic']}  {record['wire_name']}")
        _say(console, f"    {record['stream_id']} v{record['version']} of tenant {record['tenant_id']}")
        _say(console, f"    {letter['cause']}")
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
        letter for _, letter in run(_letters(folder, context)) if letter["record"]["position"] == position
    ]
    if not found:
        fail(f"{context} has no dead letter at position {position}")
    say_json(found)


@app.command()
def replay(context: Context = None, folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Process dead letters again, in order; exit 1 if some still fail."""
    done = dict(run(_ask(folder, context, "POST", "/dead-letters/replay")))
    failing = sum(len(one["failing"]) for one in done.values())
    if as_json:
        say_json(done)
    else:
        for process, one in done.items():
            console.print(f"{process}: {one['handled']} handled, {len(one['failing'])} still failing")
            for letter in one["failing"]:
                _say(errors, f"    {letter['record']['position']} of {letter['topic']}: {letter['cause']}")
    raise typer.Exit(FAILED if failing else 0)


def _say(to: Console, line: str) -> None:
    """As it is: ids are not cut to the width of a terminal, and a cause may hold anything."""
    to.print(line, soft_wrap=True, highlight=False, markup=False)


async def _letters(folder: Any, context: str | None) -> list[tuple[str, dict[str, Any]]]:
    told = await _ask(folder, context, "GET", "/dead-letters")
    return [(process, letter) for process, letters in told for letter in letters]


async def _ask(folder: Any, context: str | None, method: str, path: str) -> list[tuple[str, Any]]:
    urls = running_installation(folder).urls
    if context is not None and context not in urls:
        fail(f"{context!r} is none of {', '.join(urls)}")
    token = Credentials(folder / "keys").token(tenant=EVERY_TENANT, role="service")

    async def ask(process: str) -> tuple[str, Any]:
        answer = await http.request(method, urls[process] + path)
        if answer.is_error:
            raise CallFailed(answer.status_code, answer.json())
        return process, answer.json()

    async with httpx2.AsyncClient(timeout=TIMEOUT, headers={"authorization": f"Bearer {token}"}) as http:
        return list(await asyncio.gather(*(ask(process) for process in ([context] if context else urls))))
