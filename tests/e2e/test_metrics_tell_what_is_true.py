"""Whoever is asked, and whatever server is stopped: the metrics say how many events wait, and who answers."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.e2e.scraped import Samples, scrape, value
from tollhouse.client import Client
from tollhouse.installation_state import InstallationState
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.roles import SCOPES
from tollhouse.supervised_process import supervised
from tollhouse.supervisor import Stack

WAITING = 40
WITHIN_S = 60.0

pytestmark = pytest.mark.timeout(180)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """An installation of this module's own, because its servers are stopped."""
    async with Stack.start(tmp_path_factory.mktemp("metrics") / "state", fast=True) as running:
        yield running


@asynccontextmanager
async def second_process(stack: Stack, name: str) -> AsyncIterator[str]:
    """Another process of a context, which does not lead; its URL."""
    program = stack.processes[name].program
    port = InstallationState(stack.folder).port(f"{name}-2")
    url = f"http://127.0.0.1:{port}"

    async def is_ready() -> bool:
        return await ready(url)

    other = replace(
        program,
        name=f"{name}-2",
        command=lambda: [sys.executable, "-m", f"services.{name}.main"],
        launch=None,
        is_ready=is_ready,
        env={**program.env, "TOLLHOUSE_HTTP_PORT": str(port)},
        log=program.log.with_stem(f"{name}-2"),
    )
    async with supervised([other]):
        yield url


async def ready(url: str) -> bool:
    try:
        return value(await scrape(url), "tollhouse_ready") == 1
    except httpx2.TransportError:
        return False


async def until(url: str, holds: Callable[[Samples], bool]) -> Samples:
    """The first scrape of which something holds."""
    async with asyncio.timeout(WITHIN_S):
        while not holds(samples := await scrape(url)):
            await asyncio.sleep(0.1)
    return samples


async def settle(stack: Stack) -> None:
    await wait_until_quiescent(stack.urls, stack.credentials.service_token_file.read_text())


async def register(stack: Stack, count: int) -> None:
    """Commit one event each."""
    token = stack.credentials.token(tenant="acme", role="billing_admin", scopes=SCOPES["billing_admin"])
    async with Client(dict(stack.urls), token) as client:
        for number in range(count):
            body = {"external_id": f"c{number}", "currency": "EUR", "time_zone": "Europe/Berlin"}
            await client.command("subscriptions", "/v1/customers", body, key=f"c{number}")


def relay_lag(samples: Samples) -> float | None:
    return value(samples, "tollhouse_relay_lag_positions", context="subscriptions")


def failures(samples: Samples) -> float:
    return value(samples, "tollhouse_relay_failures_total", context="subscriptions") or 0


def reaches(samples: Samples, server: str) -> float | None:
    return value(samples, "tollhouse_server_reachable", server=server)


@pytest.mark.asyncio(loop_scope="module")
async def test_events_that_wait_for_a_stopped_broker_are_counted_by_every_process(stack: Stack) -> None:
    """It said 2 while 460 waited, and nothing in a process that did not lead (issue 7, row 20)."""
    leader, broker = stack.urls["subscriptions"], stack.processes["tansu"]
    async with second_process(stack, "subscriptions") as other:
        await settle(stack)
        await until(leader, lambda now: relay_lag(now) == 0 and reaches(now, "broker") == 1)
        await broker.stop()
        before = failures(await scrape(leader))
        await register(stack, WAITING)
        for url in (leader, other):
            samples = await scrape(url)
            assert relay_lag(samples) == WAITING
            assert reaches(samples, "broker") == 0
            assert reaches(samples, "postgres") == 1
        await until(leader, lambda now: failures(now) >= before + 3)
        await broker.start()
        for url in (leader, other):
            await until(url, lambda now: relay_lag(now) == 0 and reaches(now, "broker") == 1)
        leads = [
            value(await scrape(url), "tollhouse_leader", lease="relay:subscriptions")
            for url in (leader, other)
        ]
        assert sorted(leads, key=str) == [0, 1]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_known_is_not_a_number(stack: Stack) -> None:
    """While Postgres stands still, no gauge shows its last value, and the scrape is still answered."""
    postgres = stack.pids["postgres"]
    assert postgres is not None
    pids = [postgres, *map(int, Path(f"/proc/{postgres}/task/{postgres}/children").read_text().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        samples = await scrape(stack.urls["invoicing"])
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert reaches(samples, "postgres") == 0
    assert value(samples, "tollhouse_ready") == 0
    assert math.isnan(value(samples, "tollhouse_relay_lag_positions", context="invoicing") or 0)
    assert math.isnan(value(samples, "tollhouse_timers_due") or 0)
    await until(
        stack.urls["invoicing"],
        lambda now: reaches(now, "postgres") == 1 and value(now, "tollhouse_timers_due") == 0,
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_the_lag_of_a_consumer_is_measured_by_every_process_of_its_context(stack: Stack) -> None:
    async with second_process(stack, "invoicing") as other:
        await settle(stack)
        for url in (stack.urls["invoicing"], other):
            samples = await scrape(url)
            lags = {
                labels: number
                for (name, labels), number in samples.items()
                if name == "tollhouse_consumer_lag_positions"
            }
            assert {dict(labels)["topic"] for labels in lags} == {
                *("subscriptions-events", "metering-events", "payments-events")
            }
            assert set(lags.values()) == {0}
