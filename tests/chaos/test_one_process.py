"""One process as supervisors see it: it starts, works, tells how it is, and stops when told."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from pydantic import SecretStr

from shared.framework.eventstore.migrate import apply
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.messaging.handlers import reaction_handler
from shared.framework.process.run import serve_context
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.process.settings import ServiceSettings
from shared.framework.testing.messaging_harness import eventually
from shared.framework.testing.store_examples import EXAMPLES, registered, timer
from shared.framework.timers.timer import TimerHandler
from tollhouse.credentials import Credentials
from tollhouse.topology import SHARED_MIGRATIONS


async def open_account(session: Session, due: Timer, answer: Any) -> None:
    session.append("acc_1", 0, [registered()])


async def build(tools: ServiceDependencies[ServiceSettings]) -> ServiceDefinition:
    return ServiceDefinition(
        subscribes_to=["invoicing"],
        handler=reaction_handler({}, tools.clock),
        timers={"collect": TimerHandler(decide=open_account)},
    )


@pytest_asyncio.fixture
async def settings(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[ServiceSettings]:
    await apply(database_url, SHARED_MIGRATIONS, app_role="postgres")
    credentials = Credentials(tmp_path / "keys")
    credentials.write_service_token()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield ServiceSettings(
        database_url=SecretStr(database_url),
        kafka_bootstrap=kafka_bootstrap,
        http_port=port,
        feeds={"invoicing": f"http://127.0.0.1:{port}"},
        jwks_file=credentials.jwks_file,
        api_keys_file=credentials.api_keys_file,
        service_token_file=credentials.service_token_file,
    )


async def test_a_process_works_tells_and_stops(settings: ServiceSettings) -> None:
    """A timer that was due before it started becomes a fact, which it hears itself; SIGTERM ends it."""
    await set_timer(settings)
    process = asyncio.create_task(serve_context("invoicing", settings, build, EXAMPLES))
    token = settings.service_token_file.read_text().strip()
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{settings.http_port}", headers={"authorization": f"Bearer {token}"}
    ) as http:
        await eventually(lambda: is_ready(http))
        await eventually(lambda: has_heard_itself(http))
        metrics = (await http.get("/metrics")).text
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(process, settings.shutdown_grace_s)
    assert 'tollhouse_timers_fired_total{outcome="done",purpose="collect"}' in metrics


async def set_timer(settings: ServiceSettings) -> None:
    pool = await connect(settings.database_url.get_secret_value())
    await PostgresEventStore(pool, "invoicing", EXAMPLES).commit(ChangeSet(timers=[timer("t1")]))
    await pool.close()


async def is_ready(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


async def has_heard_itself(http: httpx2.AsyncClient) -> bool:
    told = (await http.get("/progress")).raise_for_status().json()
    done: bool = told["due_timers"] == 0 and 1 in told["heads"].values()
    return done and told["inbox"]["invoicing-events"] == told["heads"]
