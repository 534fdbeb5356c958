"""`make bench`: every figure is a ratio to something measured in the same run, on the same machine.

`python -m tests.bench restart`: seconds until a service that was killed under load is ready again.
`python -m tests.bench leap`: how long a step of a test clock's advance takes.
`python -m tests.bench commands`: only commands and replay.
`python -m tests.bench readside`: only the small query beside another tenant's lists.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import typer
import uvloop

from shared.framework.process.gc_tuning import tune_garbage_collector
from tests.bench import commands, leap, readside, restart, usage
from tollhouse.embedded import local_servers


async def bench() -> None:
    """Commands, replay, then usage end to end; each line as soon as it is known."""
    await speed_of_commands()
    typer.echo(await usage.run())
    await neighbours()


async def speed_of_commands() -> None:
    """Commands and replay against the stock library."""
    with tempfile.TemporaryDirectory(prefix="tollhouse-bench-") as folder:
        async with local_servers(Path(folder)) as servers:
            # The servers are children of a plain loop (uvloop cannot drop rights); ours runs on uvloop.
            speed = await asyncio.to_thread(uvloop.run, commands.run(servers.postgres_url))
            typer.echo(f"{speed} (goal {commands.GOAL}x)")
            typer.echo(await asyncio.to_thread(uvloop.run, commands.replay(servers.postgres_url)))


async def neighbours() -> None:
    """A small query beside another tenant's lists."""
    for neighbour in await readside.run():
        typer.echo(neighbour)


async def restarts() -> None:
    """Each service in turn, five times."""
    for away in await restart.run():
        typer.echo(away)


async def leaps() -> None:
    """A year of one customer under a test clock."""
    typer.echo(await leap.run())


tune_garbage_collector()  # as every service process does; what we are compared with has the same of it
PARTS = {
    (): bench,
    ("commands",): speed_of_commands,
    ("leap",): leaps,
    ("readside",): neighbours,
    ("restart",): restarts,
}
asyncio.run(PARTS[tuple(sys.argv[1:])]())
