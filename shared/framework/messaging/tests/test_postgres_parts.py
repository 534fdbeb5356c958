"""Cursor and leadership on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

import shared.framework.messaging
from shared.framework.eventstore.migrate import apply
from shared.framework.eventstore.pool import translate_errors
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.leadership.port import LeadershipLost, Lease
from shared.framework.leadership.postgres import PostgresLeadership
from shared.framework.leadership.session import LockSession
from shared.framework.messaging.relay import CursorConflict, PostgresCursor
from shared.framework.process.system import EventLoopSleeper
from shared.framework.retry.transient import is_message_fault, is_transient
from shared.framework.testing.messaging_harness import eventually, running
from shared.framework.testing.store_examples import EXAMPLES

MIGRATIONS = Path(shared.framework.messaging.__file__).parent / "migrations"


@pytest_asyncio.fixture
async def pool(database_url: str) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    await apply(database_url, [MIGRATIONS], app_role="postgres")
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        yield pool


async def test_a_cursor_moves_only_from_where_it_stands(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """A relay that was overtaken learns it, and the cursor keeps the other's place."""
    cursor = PostgresCursor(pool, "relay:invoicing")
    assert await cursor.position() == 0
    await cursor.advance(0, 41)
    with pytest.raises(CursorConflict):
        await PostgresCursor(pool, "relay:invoicing").advance(0, 17)
    assert await cursor.position() == 41


async def test_cursors_of_different_names_are_strangers(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """One database may hold several."""
    await PostgresCursor(pool, "a").position()
    await PostgresCursor(pool, "a").advance(0, 5)
    assert await PostgresCursor(pool, "b").position() == 0


class Candidate:
    """Holds a lease until it is lost, then stands no more."""

    def __init__(self, dsn: str) -> None:
        self.session = LockSession(dsn, EventLoopSleeper())
        self.leadership = PostgresLeadership(self.session, EventLoopSleeper())
        self.lease: Lease | None = None

    async def stand(self) -> None:
        async with self.leadership.acquire("relay:invoicing") as self.lease:
            while True:
                await EventLoopSleeper().sleep(0.01)

    async def leads(self) -> bool:
        return self.lease is not None


async def test_one_leads_and_the_next_follows_when_it_goes(database_url: str) -> None:
    """The lease is given back in the end, and whoever waits has it within a second."""
    first, second = Candidate(database_url), Candidate(database_url)
    async with running(first.stand):
        await eventually(first.leads)
        async with running(second.stand):
            assert not await second.leads()
    async with running(second.stand):
        await eventually(second.leads)
    await first.session.close()
    await second.session.close()


async def test_a_lease_is_given_to_one_task_of_a_process(database_url: str) -> None:
    """All leases of a process share one session, to which the server would give the lock twice."""
    first, second = Candidate(database_url), Candidate(database_url)
    second.leadership = first.leadership
    async with running(first.stand):
        await eventually(first.leads)
        async with running(second.stand):
            await EventLoopSleeper().sleep(0.1)
            assert not await second.leads()
    async with running(second.stand):
        await eventually(second.leads)
    await first.session.close()


async def test_a_leader_whose_connection_dies_notices_at_its_next_check(database_url: str) -> None:
    """The server gives the lock to the next at the same moment."""
    first, second = Candidate(database_url), Candidate(database_url)
    async with running(first.stand):
        await eventually(first.leads)
        async with running(second.stand):
            await _end_whoever_leads(database_url)
            await eventually(second.leads)
            assert first.lease is not None
            with pytest.raises(LeadershipLost):
                first.lease.check()
    await first.session.close()
    await second.session.close()


async def _end_whoever_leads(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await admin.close()


async def test_a_pool_in_full_use_is_no_messages_fault(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a good one would be parked because others were slow; a slow statement may be its own fault."""
    monkeypatch.setattr("shared.framework.eventstore.pool.ACQUIRE_TIMEOUT_S", 0.05)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1, command_timeout=0.05) as pool:
        cursor, store = (
            PostgresCursor(pool, "relay:invoicing"),
            PostgresEventStore(pool, "invoicing", EXAMPLES),
        )
        async with pool.acquire() as _:
            for work in (cursor.position(), store.inbox("metering")):
                with pytest.raises(StoreIsUnavailable) as starved:
                    await work
                assert is_transient(starved.value)
                assert not is_message_fault(starved.value)
        with pytest.raises(StoreIsUnavailable) as slow, translate_errors():
            await pool.execute("SELECT pg_sleep(1)")
        assert is_message_fault(slow.value)
