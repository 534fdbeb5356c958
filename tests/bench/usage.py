"""Usage end to end, from the first byte of a request to the rollup: ours, and the textbook's.

Real processes on the same servers; the load generator takes its share of the same cores. Rounds alternate.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from tollhouse.client import Client
from tollhouse.installation_state import InstallationState
from tollhouse.roles import SCOPES
from tollhouse.servers.child_process import ProcessSpec
from tollhouse.servers.topics import ensure_topics
from tollhouse.supervised_process import supervised
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

EVENTS_PER_REQUEST = 100
CONNECTIONS = 32
OURS_REQUESTS = 3_000
TEXTBOOK_REQUESTS = 80
WITHIN_S = 300.0
TEXTBOOK_TOPIC = "textbook-usage"
TEXTBOOK_DATABASE = "tollhouse_textbook"
METER = {"key": "value", "event_type": "api.call", "aggregation": "sum", "value_path": "value"}
GOAL = 20.0


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of one pipeline; `folded_s` is until the last event is in a rollup."""

    events: int
    acked_s: float
    folded_s: float
    p50_s: float
    p99_s: float


Total = Callable[[], Awaitable[int]]
Measure = Callable[[], Awaitable[Pass]]


@dataclass(frozen=True, slots=True)
class UsageSpeed:
    """Medians over the rounds, in events per second; the ratio is that of the medians."""

    ours_acked: float
    ours_folded: float
    ours_p99_s: float
    textbook_acked: float
    textbook_folded: float

    @property
    def ratio(self) -> float:
        """Ours to the textbook's, end to end."""
        return self.ours_folded / self.textbook_folded

    def __str__(self) -> str:
        return (
            f"usage, {EVENTS_PER_REQUEST} events per request, {CONNECTIONS} connections:"
            f" {self.ours_folded:,.0f} events/s to the rollup ({self.ours_acked:,.0f}/s acknowledged, p99"
            f" {self.ours_p99_s * 1000:.0f} ms); textbook {self.textbook_folded:,.0f}/s"
            f" ({self.textbook_acked:,.0f}/s); ratio {self.ratio:.1f}x (goal {GOAL:.0f}x)"
        )


async def run(rounds: int = 3) -> UsageSpeed:
    """Measure both, in turns, on servers of their own with their usual durability."""
    services = [service for service in SERVICES if service.name in ("ingest", "metering")]
    with tempfile.TemporaryDirectory(prefix="tollhouse-bench-") as folder:
        async with (
            Stack.start(Path(folder), services=services) as stack,
            _ours(stack) as ours,
            _textbook(stack) as textbook,
        ):
            passes = [(await ours(), await textbook()) for _ in range(rounds)]
    mine, others = zip(*passes, strict=True)
    return UsageSpeed(
        ours_acked=statistics.median(one.events / one.acked_s for one in mine),
        ours_folded=statistics.median(one.events / one.folded_s for one in mine),
        ours_p99_s=statistics.median(one.p99_s for one in mine),
        textbook_acked=statistics.median(one.events / one.acked_s for one in others),
        textbook_folded=statistics.median(one.events / one.folded_s for one in others),
    )


@asynccontextmanager
async def _ours(stack: Stack) -> AsyncIterator[Measure]:
    token = stack.credentials.token(tenant="bench", role="billing_admin", scopes=SCOPES["billing_admin"])
    async with Client({**stack.urls}, token) as client:
        await client.command("metering", "/v1/meters", METER, key="meter")
    port = int(stack.urls["ingest"].rpartition(":")[2])
    async with asyncpg.create_pool(stack.dsn("metering"), min_size=0, max_size=1) as pool:

        async def total() -> int:
            return int(await pool.fetchval("SELECT coalesce(sum(value), 0) FROM rollups"))

        yield lambda: _pass(port, token, OURS_REQUESTS, total)


@asynccontextmanager
async def _textbook(stack: Stack) -> AsyncIterator[Measure]:
    dsn = await _textbook_database(stack)
    await ensure_topics(stack.servers.kafka_bootstrap, [TEXTBOOK_TOPIC])
    port = InstallationState(stack.folder).port("textbook")
    env = {
        "DATABASE_URL": dsn,
        "KAFKA": stack.servers.kafka_bootstrap,
        "TOPIC": TEXTBOOK_TOPIC,
        "PORT": str(port),
    }
    async with (
        httpx2.AsyncClient(trust_env=False) as probe,
        supervised([_program("ingest", stack, env, lambda: _answers(probe, port))]),
        supervised([_program(name, stack, env, _at_once) for name in ("relay", "metering")]),
        asyncpg.create_pool(dsn, min_size=0, max_size=1) as pool,
    ):
        yield lambda: _pass(port, "", TEXTBOOK_REQUESTS, lambda: _textbook_total(pool))


async def _textbook_database(stack: Stack) -> str:
    admin = await asyncpg.connect(stack.servers.postgres_url)
    await admin.execute(f"CREATE DATABASE {TEXTBOOK_DATABASE}")
    await admin.close()
    return stack.servers.postgres_url.rpartition("/")[0] + f"/{TEXTBOOK_DATABASE}"


def _program(
    name: str, stack: Stack, env: dict[str, str], is_ready: Callable[[], Awaitable[bool]]
) -> ProcessSpec:
    return ProcessSpec(
        name=f"textbook-{name}",
        command=lambda: [sys.executable, "-m", f"tests.bench.textbook.{name}"],
        is_ready=is_ready,
        log=stack.folder / "logs" / f"textbook-{name}.log",
        env={**os.environ, **env},
    )


async def _at_once() -> bool:
    return True


async def _answers(probe: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await probe.get(f"http://127.0.0.1:{port}/ready")).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


async def _textbook_total(pool: Any) -> int:
    if await pool.fetchval("SELECT to_regclass('rollup')") is None:
        return 0
    return int(await pool.fetchval("SELECT coalesce(sum(value), 0) FROM rollup"))


async def _pass(port: int, token: str, requests: int, total: Total) -> Pass:
    """Send everything, wait until the sum of all rollups has grown by exactly what was sent."""
    before = await total()
    load = await asyncio.create_subprocess_exec(
        *_load(port, requests),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TOKEN": token},
    )
    assert load.stdin is not None
    assert load.stdout is not None
    assert await load.stdout.readline() == b"ready\n"
    began = time.perf_counter()
    load.stdin.write(b"\n")
    told = json.loads(await load.stdout.readline())
    while (grown := await total() - before) < told["sum"]:
        if time.perf_counter() - began > WITHIN_S:
            raise TimeoutError(f"{grown} of {told['sum']} folded in {WITHIN_S:.0f} s")
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - began
    assert grown == told["sum"], "an event was counted twice"
    await load.wait()
    return Pass(requests * EVENTS_PER_REQUEST, told["seconds"], seconds, told["p50_s"], told["p99_s"])


def _load(port: int, requests: int) -> Sequence[str]:
    numbers = map(str, (port, requests, EVENTS_PER_REQUEST, CONNECTIONS))
    return [sys.executable, "-m", "tests.bench.load", *numbers]


if __name__ == "__main__":
    print(asyncio.run(run()))
