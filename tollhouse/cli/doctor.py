"""`tollhouse doctor`: state, versions and lag of every process and server."""

import asyncio
import platform
from importlib.metadata import version
from typing import Any

import asyncpg
import httpx2
import typer
from redis.asyncio import Redis
from rich.table import Table

from shared.framework.messaging.positions_ahead import CURE
from tollhouse.cli.output import (
    DEFAULT_FOLDER,
    FAILED,
    AsJson,
    Folder,
    console,
    print_json,
    run,
    running_installation,
)
from tollhouse.credentials import Credentials
from tollhouse.quiescence import progress, unfinished
from tollhouse.recovery.inspection import inspect_dsns
from tollhouse.running_installation import RunningInstallation
from tollhouse.servers.topics import ensure_topics

PACKAGES = ("tollhouse", "eventsourcing", "aiokafka", "asyncpg", "fastapi", "strawberry-graphql")


def doctor(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Check every service and server; exit 1 if one is not ready."""
    installation = running_installation(folder)
    token = Credentials(folder / "keys").service_token_file.read_text()
    found = run(_inspect(installation, token))
    if as_json:
        print_json(found)
    else:
        _show(found)
    raise typer.Exit(0 if found["ready"] else FAILED)


async def _inspect(installation: RunningInstallation, token: str) -> dict[str, Any]:
    services = dict(await asyncio.gather(*(_service(name, url) for name, url in installation.urls.items())))
    servers = {
        "postgres": await _check(_postgres(installation.postgres_url)),
        "redis": await _check(_redis(installation.redis_url)),
        "kafka": await _check(_kafka(installation.kafka_bootstrap, installation.broker)),
    }
    try:
        behind = unfinished(await progress(installation.urls, token))
    except httpx2.HTTPError as failure:
        behind = [f"progress is unavailable: {failure!r}"]
    contradictions = await _contradictions(installation)
    well = not contradictions and all(one["ready"] for one in (*services.values(), *servers.values()))
    versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    return {
        "ready": well,
        "services": services,
        "servers": servers,
        "contradictions": contradictions,
        "pending": behind,
        "versions": versions,
    }


async def _contradictions(installation: RunningInstallation) -> list[str]:
    """Positions that someone knows and their context does not have; empty if a database does not answer."""
    try:
        inspection = await inspect_dsns(installation.owner_dsns)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []  # the check of the server says so
    return [str(one) for one in inspection.contradictions]


async def _service(name: str, url: str) -> tuple[str, dict[str, Any]]:
    async with httpx2.AsyncClient(timeout=3.0) as http:
        try:
            answer = await http.get(f"{url}/health/ready")
        except httpx2.HTTPError as failure:
            return name, {"ready": False, "detail": repr(failure), "url": url}
        return name, {"ready": answer.is_success, "detail": answer.text, "url": url}


async def _check(check: Any) -> dict[str, Any]:
    try:
        return {"ready": True, "detail": await asyncio.wait_for(check, 5.0)}
    except Exception as failure:
        return {"ready": False, "detail": repr(failure)}


async def _postgres(url: str) -> str:
    connection = await asyncpg.connect(url, timeout=3.0, command_timeout=3.0)
    try:
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    finally:
        await connection.close()


async def _redis(url: str) -> str:
    async with Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=None) as redis:
        about = await redis.info("server")
        return f"{about.get('server_name', 'redis')} {about.get('valkey_version', about['redis_version'])}"


async def _kafka(bootstrap: str, kind: str) -> str:
    if not await ensure_topics(bootstrap):
        raise ConnectionError(f"no broker answers at {bootstrap}")
    return f"{kind} broker at {bootstrap}"


def _show(found: dict[str, Any]) -> None:
    table = Table("part", "state", "detail", box=None)
    for name, answer in (found["services"] | found["servers"]).items():
        state = "[green]ready[/green]" if answer["ready"] else "[red]not ready[/red]"
        table.add_row(name, state, answer["detail"])
    console.print(table)
    for contradiction in found["contradictions"]:
        console.print(f"[red]{contradiction}[/red]", highlight=False, soft_wrap=True)
    if found["contradictions"]:
        console.print(f"[red]databases were restored to different moments: {CURE}[/red]", soft_wrap=True)
    console.print("\nlag:", "; ".join(found["pending"]) or "nothing to do", highlight=False)
    console.print("versions:", ", ".join(f"{k} {v}" for k, v in found["versions"].items()), highlight=False)
