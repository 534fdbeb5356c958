"""PostgreSQL on both sides, a real broker between them, and kill -9 in the middle of it."""

import asyncio
import os
import random
import secrets
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from shared.framework.eventstore.migrate import apply
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.leadership.postgres import PostgresLeadership
from shared.framework.leadership.session import LockSession
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.relay import PostgresCursor
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.messaging_harness import MessagingHarness, eventually, running
from shared.framework.testing.store_examples import EXAMPLES
from tollhouse.installation_state import InstallationState
from tollhouse.servers.tansu import local_tansu
from tollhouse.supervised_process import SupervisedProcess
from tollhouse.topology import SHARED_MIGRATIONS

STREAMS = [f"cus_{number}" for number in range(20)]


@pytest_asyncio.fixture
async def dsns(postgres_url: str) -> AsyncIterator[list[str]]:
    """A migrated database for who tells, and one for who hears."""
    names = [f"test_{secrets.token_hex(6)}" for _ in range(2)]
    admin = await asyncpg.connect(postgres_url)
    urls = [urlsplit(postgres_url)._replace(path=f"/{name}").geturl() for name in names]
    for name, url in zip(names, urls, strict=True):
        await admin.execute(f"CREATE DATABASE {name}")
        await apply(url, SHARED_MIGRATIONS, app_role="postgres")
    yield urls
    for name in names:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture
async def broker(tmp_path: Path) -> AsyncIterator[tuple[KafkaBroker, SupervisedProcess]]:
    """A broker of this test's own, restarted whenever it dies: each time empty, and with another name."""
    bootstrap, program = local_tansu(InstallationState(tmp_path))
    supervised_broker = SupervisedProcess(program)
    await supervised_broker.start()
    kafka = KafkaBroker(bootstrap, idempotence=False, fetch_wait_ms=50)
    yield kafka, supervised_broker
    await kafka.close()
    await supervised_broker.stop()


@pytest_asyncio.fixture
async def harness(
    dsns: list[str], broker: tuple[KafkaBroker, SupervisedProcess]
) -> AsyncIterator[MessagingHarness]:
    pools = [await connect(dsn) for dsn in dsns]
    publishing, consuming = (
        PostgresEventStore(pools[0], "subscriptions", EXAMPLES),
        PostgresEventStore(pools[1], "invoicing", EXAMPLES),
    )
    session = LockSession(dsns[0], EventLoopSleeper())
    leadership = PostgresLeadership(session, EventLoopSleeper())
    cursor = PostgresCursor(pools[0], "relay:subscriptions")
    yield MessagingHarness(publishing, consuming, broker[0], EventLoopSleeper(), leadership, cursor)
    await session.close()
    for pool in pools:
        await pool.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_broker_killed_mid_stream_loses_and_doubles_nothing(
    harness: MessagingHarness, broker: tuple[KafkaBroker, SupervisedProcess], seed: int
) -> None:
    """Three deaths in the middle of the writing; every fact has its effect once and in order."""
    _, supervised_broker = broker
    fate = random.Random(seed)
    deaths = set(fate.sample(range(5, 55), 3))
    # Two of each, as in a rolling update: one leads, the other waits.
    loops = [harness.relay().run, harness.relay().run, harness.consumer().run, harness.consumer().run]
    killed: set[int] = set()
    async with running(*loops):
        for moment in range(60):
            if moment in deaths:
                await asyncio.wait_for(supervised_broker.ready.wait(), 20)
                killed.add(await kill(supervised_broker))
            await asyncio.gather(*(harness.publish(stream_id) for stream_id in fate.sample(STREAMS, 8)))
        await eventually(harness.is_complete, within_s=60)
    assert len(killed) == len(deaths)


async def kill(supervised_broker: SupervisedProcess) -> int:
    """The id of the process that was killed, as soon as its supervisor has seen that it ended."""
    pid = supervised_broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    async def has_ended() -> bool:  # until then it seems ready, and the next death would be of the same one
        return not supervised_broker.ready.is_set() or supervised_broker.pid not in {None, pid}

    await eventually(has_ended)
    return pid
