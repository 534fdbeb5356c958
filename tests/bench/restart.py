"""How long a killed service is away: kill -9 of each service in turn under load, until it is ready again."""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tollhouse.client import Client
from tollhouse.roles import SCOPES
from tollhouse.supervisor import Stack

# Together more than two cores can do besides a start.
USAGE_PER_S = 100.0
COMMANDS_PER_S = 100.0
WARM_UP_S = 3.0
CALM_S = 1.0
POLL_S = 0.02
AWAY_MAX_S = 60.0
METER = {"key": "value", "event_type": "api.call", "aggregation": "sum", "value_path": "value"}
GOAL_S = 3.0


@dataclass(frozen=True, slots=True)
class Away:
    """Seconds from kill -9 until a service answered as ready, of several kills."""

    service: str
    seconds: Sequence[float]

    def __str__(self) -> str:
        """One line for people."""
        middle, worst = statistics.median(self.seconds), max(self.seconds)
        return f"restart of {self.service}: median {middle:.2f} s, worst {worst:.2f} s (goal {GOAL_S} s)"


async def run(
    kills: int = 5, usage_per_s: float = USAGE_PER_S, commands_per_s: float = COMMANDS_PER_S
) -> list[Away]:
    """Kill each service `kills` times, one after the other, under load."""
    with tempfile.TemporaryDirectory(prefix="tollhouse-restart-") as folder:
        async with Stack.start(Path(folder) / "state") as stack, _load(stack, usage_per_s, commands_per_s):
            seconds: dict[str, list[float]] = {name: [] for name in stack.urls}
            for _ in range(kills):
                for name in stack.urls:
                    await asyncio.sleep(CALM_S)
                    seconds[name].append(await kill(stack, name))
            return [Away(name, times) for name, times in seconds.items()]


async def kill(stack: Stack, name: str) -> float:
    """Kill a service; returns the seconds until its successor answers as ready."""
    before = stack.processes[name].pid
    assert before is not None
    async with httpx2.AsyncClient(timeout=1.0) as http:
        began = time.perf_counter()
        os.kill(before, signal.SIGKILL)
        while time.perf_counter() < began + AWAY_MAX_S:
            if stack.processes[name].pid not in {None, before} and await _is_ready(http, stack.urls[name]):
                return time.perf_counter() - began
            await asyncio.sleep(POLL_S)
    raise TimeoutError(f"{name} is not ready after {AWAY_MAX_S} s")


async def _is_ready(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/health/ready")).is_success
    except httpx2.HTTPError:
        return False


@asynccontextmanager
async def _load(stack: Stack, usage_per_s: float, commands_per_s: float) -> AsyncIterator[None]:
    token = stack.credentials.token(tenant="bench", role="billing_admin", scopes=SCOPES["billing_admin"])
    async with Client(dict(stack.urls), token) as client:
        await client.command("metering", "/v1/meters", METER, key="meter")
    rates = [str(usage_per_s), str(commands_per_s), "3600"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.steady_load", *rates),
        env={**os.environ, "URLS": json.dumps(dict(stack.urls)), "TOKEN": token},
    )
    try:
        await asyncio.sleep(WARM_UP_S)
        yield
    finally:
        process.kill()
        await process.wait()
