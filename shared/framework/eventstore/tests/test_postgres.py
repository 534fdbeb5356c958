"""The store on PostgreSQL keeps the store's promises, with a service's few rights."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.framework.eventstore.pool import connect, translate_errors
from shared.framework.eventstore.ports import Store, StoreIsUnavailable
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, SideWrite
from shared.framework.eventstore.tests.conftest import APP_ROLE, Database
from shared.framework.eventstore.tests.store_contract import EventStreamContract, SideTable
from shared.framework.eventstore.tests.store_contract_side_state import SideStateContract
from shared.framework.testing.store_examples import EXAMPLES, append, registered, timer, write

Pool = Any


class PostgresNotebook:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def note_write(self, text: str) -> SideWrite:
        async def effect(connection: Any, _: CommitReceipt) -> None:
            await connection.execute("INSERT INTO notes VALUES ($1)", text)

        return effect

    async def notes(self) -> set[str]:
        return {row["text"] for row in await self._pool.fetch("SELECT text FROM notes")}


class SessionOwner:
    """The owner of claims: a number that a session keeps locked."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: asyncpg.Connection[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self._number = 0

    async def owner(self) -> int:
        async with self._opening:
            if self._session is None:
                self._session = await asyncpg.connect(self._dsn)
                self._number = await self._session.fetchval("SELECT nextval('claim_owners')")
                await self._session.execute("SELECT pg_advisory_lock(claim_owner_lock($1))", self._number)
        return self._number

    async def end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class TestPostgresEventStore(EventStreamContract, SideStateContract):
    @pytest_asyncio.fixture
    async def session(self, database: Database) -> AsyncIterator[SessionOwner]:
        session = SessionOwner(database.app_dsn)
        yield session
        await session.end()

    @pytest.fixture
    def store(self, pool: Pool, session: SessionOwner) -> Store:
        return PostgresEventStore(pool, "subscriptions", EXAMPLES, session)

    @pytest.fixture
    def end_owner(self, pool: Pool, session: SessionOwner) -> Callable[[], Awaitable[None]]:
        async def end() -> None:
            gone = await session.owner()
            await session.end()
            while not await pool.fetchval("SELECT claim_owner_is_gone($1)", gone):
                await asyncio.sleep(0.01)  # the server ends a session a moment after its client

        return end

    @pytest_asyncio.fixture
    async def notebook(self, pool: Pool, owner: Any) -> SideTable:
        await owner.execute("CREATE TABLE notes (text text PRIMARY KEY)")
        await owner.execute(f"GRANT SELECT, INSERT ON notes TO {APP_ROLE}")
        return PostgresNotebook(pool)

    async def test_a_side_tables_own_conflict_is_not_the_streams(
        self, store: Store, notebook: SideTable
    ) -> None:
        """An effect's unique violation must not be retried as if the stream had grown."""
        await store.commit(ChangeSet(side_writes=[notebook.note_write("a")]))
        with pytest.raises(asyncpg.UniqueViolationError):
            await store.commit(ChangeSet(appends=[append("cus_1")], side_writes=[notebook.note_write("a")]))
        assert await store.version("tenant-a", "cus_1") == 0


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database.owner_dsn)
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO events SELECT * FROM events",
        "UPDATE events SET state = ''",
        "DELETE FROM events",
        "TRUNCATE events",
        "DROP TABLE events",
        "ALTER TABLE events DISABLE TRIGGER events_are_append_only",
        "SELECT setval('events_notification_id_seq', 1)",
        "INSERT INTO stored_events (originator_id) VALUES ('x')",
    ],
)
async def test_a_service_can_only_append_and_read(pool: Pool, statement: str) -> None:
    """Whoever breaks into a service cannot rewrite its history."""
    await write(PostgresEventStore(pool, "subscriptions", EXAMPLES), append("cus_1"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET state = ''", "DELETE FROM events", "TRUNCATE events"]
)
async def test_even_the_owner_cannot_rewrite_history(pool: Pool, owner: Any, statement: str) -> None:
    """Not by mistake, and not by turning ordinary triggers off."""
    await write(PostgresEventStore(pool, "subscriptions", EXAMPLES), append("cus_1"))
    await owner.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await owner.execute(statement)
    assert await owner.fetchval("SELECT count(*) FROM events") == 1


async def test_a_command_is_one_statement(pool: Pool) -> None:
    """Events and what goes beside them: one round trip, or the whole house is slower."""
    seen: list[str] = []
    async with pool.acquire() as connection:
        store = PostgresEventStore(_OneConnection(connection), "subscriptions", EXAMPLES)  # type: ignore[arg-type]
        await store.commit(ChangeSet(appends=[append("cus_0")]))  # the driver learns the types
        with connection.query_logger(lambda query: seen.append(query.query)):
            await store.commit(ChangeSet(appends=[append("cus_1")]))
            await store.commit(ChangeSet(appends=[append("cus_2", registered())], timers=[timer("tmr_1")]))
    assert len(seen) == 2


class _OneConnection:
    """A pool of the one connection under watch."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def acquire(self, *, timeout: float) -> Any:
        assert timeout > 0
        return self._connection

    async def release(self, connection: Any) -> None:
        assert connection is self._connection


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DiskFullError("no space left"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.IdleInTransactionSessionTimeoutError("too long idle"),
        asyncpg.ReadOnlySQLTransactionError("in recovery"),
        asyncpg.InternalClientError("unexpected message"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_server_cannot_do_now_is_a_refusal(error: Exception) -> None:
    """It passes; nothing about the request is wrong, and nothing in us is broken."""
    with pytest.raises(StoreIsUnavailable), translate_errors():
        raise error


async def test_a_database_that_is_away_is_a_refusal(database: Database) -> None:
    """A caller hears 503 and a code, not a driver's traceback."""
    with pytest.raises(StoreIsUnavailable):
        await connect("postgresql://nobody@127.0.0.1:1/nothing")
    pool = await connect(database.app_dsn, size_max=1)
    admin = await asyncpg.connect(database.owner_dsn)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", APP_ROLE)
    store = PostgresEventStore(pool, "subscriptions", EXAMPLES)
    with contextlib.suppress(StoreIsUnavailable):
        await store.load("tenant-a", "cus_1")
    assert (await store.load("tenant-a", "cus_1")).version == 0
    await admin.close()
    await pool.close()
