"""A reader that tails history misses nothing, whatever writers do: the watermark's proof, tried."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.ports import VersionConflict
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, EventRecord
from shared.framework.eventstore.tests.conftest import Database
from shared.framework.testing.store_examples import EXAMPLES, TENANT, append, registered, write

WRITERS, ROUNDS, STREAMS, PARTITIONS = 12, 30, 8, 4


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Any]:
    opened = await connect(database.app_dsn, size_max=WRITERS + 4)
    yield opened
    await opened.close()


class _RolledBack(Exception):
    """A writer's own mishap."""


class Tail:
    """Follows history by "greater than the last I saw", as the relay does."""

    def __init__(self) -> None:
        self.seen: list[EventRecord] = []

    async def read(self, store: PostgresEventStore) -> None:
        self.seen += await store.read_stable(self.seen[-1].position if self.seen else 0, 50)


class PartitionTail(Tail):
    """The same for one partition's feed."""

    def __init__(self, partition: int) -> None:
        super().__init__()
        self.partition = partition

    async def read(self, store: PostgresEventStore) -> None:
        after = self.seen[-1].position if self.seen else 0
        page = await store.feed(self.partition, PARTITIONS, after, 20)
        assert page.head >= max((record.position for record in page.records), default=0)
        self.seen += page.records


async def test_readers_see_all_that_was_committed_and_in_order(pool: Any) -> None:
    """Writers hold transactions open, roll back and collide on hot streams; no reader skips or misorders."""
    whole, parts = await _read_while_many_write(PostgresEventStore(pool, "subscriptions", EXAMPLES))
    everything = await _committed(pool)
    assert len(everything) > WRITERS * ROUNDS / 4
    assert [record.position for record in whole.seen] == everything
    assert sorted(record.position for part in parts for record in part.seen) == everything
    for tail in (whole, *parts):
        _check_streams(tail.seen)
    for part in parts:
        links = [0, *(record.position for record in part.seen)]
        assert [record.previous for record in part.seen] == links[:-1]


async def test_without_the_watermark_the_same_readers_skip(pool: Any, database: Database) -> None:
    """The test above is able to fail: going by the sequence alone loses events."""
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(_SEQUENCE_ALONE)
    await owner.close()
    whole, _ = await _read_while_many_write(PostgresEventStore(pool, "subscriptions", EXAMPLES))
    assert len(whole.seen) < len(await _committed(pool))


_SEQUENCE_ALONE = """CREATE OR REPLACE FUNCTION settled_position() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT last_value FROM events_notification_id_seq $$"""


async def _read_while_many_write(store: PostgresEventStore) -> tuple[Tail, list[PartitionTail]]:
    whole, parts, done = Tail(), [PartitionTail(n) for n in range(PARTITIONS)], asyncio.Event()
    async with asyncio.TaskGroup() as both:
        for tail in (whole, *parts):
            both.create_task(_follow(tail, store, done))
        await asyncio.gather(*(_write_a_lot(store, random.Random(seed)) for seed in range(WRITERS)))
        done.set()
    return whole, parts


async def _committed(pool: Any) -> list[int]:
    rows = await pool.fetch("SELECT notification_id FROM events ORDER BY notification_id")
    return [row[0] for row in rows]


async def _follow(tail: Tail, store: PostgresEventStore, done: asyncio.Event) -> None:
    while True:
        last, count = done.is_set(), len(tail.seen)
        await tail.read(store)
        if last and len(tail.seen) == count:
            return


async def _write_a_lot(store: PostgresEventStore, dice: random.Random) -> None:
    for _ in range(ROUNDS):
        stream_id = f"cus_{dice.randrange(STREAMS)}"
        version = await store.version(TENANT, stream_id)
        changes = ChangeSet(appends=[append(stream_id, registered(), registered(), expected=version)])
        if dice.random() < 0.5:
            changes.side_writes.append(_held_open(dice.random() * 0.01, fails=dice.random() < 0.5))
        try:
            await store.commit(changes)
        except (VersionConflict, _RolledBack):
            continue


def _held_open(seconds: float, *, fails: bool) -> Any:
    async def effect(connection: Any, _: Any) -> None:
        await connection.execute("SELECT pg_sleep($1)", seconds)
        if fails:
            raise _RolledBack

    return effect


def _check_streams(records: list[EventRecord]) -> None:
    versions: dict[str, list[int]] = defaultdict(list)
    for record in records:
        versions[record.stream_id].append(record.version)
    for seen in versions.values():
        assert seen == list(range(1, len(seen) + 1))


async def test_an_open_writer_hides_what_was_committed_after_it(pool: Any, database: Database) -> None:
    """Position 2 is there before position 1: a reader waits for the truth about 1, and no longer."""
    store = PostgresEventStore(pool, "subscriptions", EXAMPLES)
    slow = await asyncpg.connect(database.app_dsn)
    await write(store, append("cus_0"))
    for ending in ("ROLLBACK", "COMMIT"):
        before = [record.position for record in await store.read_stable(0, 100)]
        await slow.execute("BEGIN")
        await slow.execute(_APPEND_SLOWLY)
        await write(store, append(f"cus_{ending}"))
        assert [record.position for record in await store.read_stable(0, 100)] == before
        assert (await store.feed(0, 1, 0, 100)).head == before[-1]
        listed = [one.stream_id for one in await store.streams(TENANT, "cus", 0, 100)]
        assert f"cus_{ending}" not in listed
        await slow.execute(ending)
        after = await store.read_stable(0, 100)
        assert len(after) == len(before) + (2 if ending == "COMMIT" else 1)
        assert len(await store.streams(TENANT, "cus", 0, 100)) == len(listed) + 1
    await slow.close()


_APPEND_SLOWLY = """
    SELECT append_events('{slow_1}', '{1}', '{subscriptions.customer.registered.v1}', '{""}', '{tenant-a}',
        '{00000000-0000-0000-0000-000000000001}', '{7}',
        ARRAY['{"correlation_id": "c", "actor": "a", "occurred_at": "2026-03-01T12:00:00Z"}'::jsonb])"""


async def test_a_long_transaction_that_appends_nothing_holds_nobody_up(pool: Any, database: Database) -> None:
    """A migration or a rebuild beside us must not stop the relay."""
    store = PostgresEventStore(pool, "subscriptions", EXAMPLES)
    idle = await asyncpg.connect(database.owner_dsn)
    await idle.execute("BEGIN; SELECT txid_current(); CREATE TABLE meanwhile (n int)")
    await write(store, append("cus_1"))
    assert len(await store.read_stable(0, 100)) == 1
    await idle.close()


@pytest.mark.parametrize("killed", ["client", "backend"])
async def test_a_killed_writer_frees_the_readers(pool: Any, database: Database, killed: str) -> None:
    """Its lock goes with its transaction."""
    store = PostgresEventStore(pool, "subscriptions", EXAMPLES)
    slow = await asyncpg.connect(database.app_dsn)
    await slow.execute("BEGIN")
    await slow.execute(_APPEND_SLOWLY)
    (at,) = await write(store, append("cus_1"))
    assert await store.read_stable(0, 100) == []
    await _kill(slow, killed, database)
    while not (records := await store.read_stable(0, 100)):  # the server notices in its own time
        await asyncio.sleep(0)
    assert [record.position for record in records] == [at.position]


async def _kill(victim: Any, killed: str, database: Database) -> None:
    if killed == "client":
        victim.terminate()
        return
    admin = await asyncpg.connect(database.owner_dsn)
    await admin.execute("SELECT pg_terminate_backend($1)", victim.get_server_pid())
    await admin.close()
