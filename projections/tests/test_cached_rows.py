"""The cache makes balances cheap; away, emptied, restored or late, it never makes them wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from projections.engine.cache.cache import CacheKey, CacheUnavailable
from projections.engine.cache.cached_row_store import CachedRowStore
from projections.engine.cache.redis import RedisCache
from projections.engine.memory import MemoryRowStore
from projections.engine.read_model import AnyModel, Key, RowChange, StoredRow
from projections.read_models.balances.projection import BALANCES
from projections.read_models.invoices.projection import INVOICES
from projections.tests.scenarios import (
    ADA,
    ADA_OWES,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_void,
    a_year_in_short,
    an_invoice,
    day,
    deliver,
)
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.process.system import EventLoopSleeper

ROW: Key = (TENANT, ADA_OWES)
ADAS: CacheKey = (BALANCES.table, *ROW)


class MemoryCache:
    """A server that can go away, lose everything, or come back with older documents."""

    def __init__(self) -> None:
        self.away = False
        self.documents: dict[CacheKey, tuple[int, bytes]] = {}

    async def read(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, bytes]:
        self._check()
        return {key: self.documents[key][1] for key in keys if key in self.documents}

    async def write(self, documents: Mapping[CacheKey, tuple[int, bytes]]) -> None:
        self._check()
        for key, (revision, document) in documents.items():
            if self.documents.get(key, (0, b""))[0] <= revision:
                self.documents[key] = (revision, document)

    def _check(self) -> None:
        if self.away:
            raise CacheUnavailable


class CountingRows(MemoryRowStore):
    """A row store that counts loads; `during` runs once, after the next load."""

    loads = 0
    during: Any = None

    async def load(self, model: AnyModel, keys: Any) -> Mapping[Key, StoredRow[Any]]:
        self.loads += 1
        rows = await super().load(model, keys)
        if self.during is not None:
            during, self.during = self.during, None
            await during()
        return rows


class Cached:
    """A read side with a cache of its balances."""

    def __init__(self, cache: MemoryCache | RedisCache) -> None:
        self.contexts, self.side = Contexts(), MemoryReadSide()
        self.truth = CountingRows(self.side.store)
        self.term, self.sleeper = LeadershipTerm(), FakeSleeper()
        self.rows = CachedRowStore(self.truth, cache, self.sleeper, self.term)
        self.projector = replace(self.side.projector, listener=self.rows.announce)

    async def deliver(self) -> None:
        await deliver(self.contexts, self.projector, self.side.store)

    async def owed(self) -> int:
        owed: int = (await self.rows.load(BALANCES, [ROW]))[ROW].row.owed
        return owed

    async def owed_from_cache(self) -> int:
        """What is owed, without a load from the row store."""
        loads = self.truth.loads
        owed = await self.owed()
        assert self.truth.loads == loads
        return owed


class FakeSleeper(EventLoopSleeper):
    """Its time stands still until it is moved."""

    now = 1000.0

    def elapsed(self) -> float:
        return self.now


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
async def warm(cache: MemoryCache) -> AsyncIterator[Cached]:
    """It leads, and Ada's balance was read once."""
    warm = Cached(cache)
    await a_year_in_short(warm.contexts)
    await warm.deliver()
    with warm.term.running():
        assert await warm.owed() == 7_00
        yield warm


async def test_a_copied_balance_is_served_without_asking_the_rows(warm: Cached) -> None:
    """That is what the copy is for."""
    assert await warm.owed_from_cache() == 7_00


async def test_only_models_that_say_so_are_cached(warm: Cached, cache: MemoryCache) -> None:
    """The others are read from their table every time."""
    key = (TENANT, f"inv_{TENANT}_1")
    for loads in (2, 3):
        assert (await warm.rows.load(INVOICES, [key]))[key].row.number == "INV-000001"
        assert warm.truth.loads == loads
    assert set(cache.documents) == {ADAS}


async def test_a_balance_that_changes_is_not_served_from_the_copy_until_it_is_renewed(warm: Cached) -> None:
    """From before its commit until after its copy: reading one's own writes holds all the time."""
    for number, owed in ((9, 8_00), (10, 9_00)):
        await an_invoice(warm.contexts, ADA, number, 1_00, day(61 + number))
        await warm.deliver()
        assert await warm.owed() == owed
        assert await warm.owed_from_cache() == owed


async def test_a_change_that_is_announced_but_not_committed_is_not_copied(
    warm: Cached, cache: MemoryCache
) -> None:
    """What never became true must not be seen, and its row is read from the rows until it changes again."""
    stored = (await warm.truth.load(BALANCES, [ROW]))[ROW]
    change = RowChange(replace(stored, revision=stored.revision + 1), stored.revision)
    await warm.rows.announce(BALANCES, [change])
    for _ in range(2):
        loads = warm.truth.loads
        assert await warm.owed() == 7_00
        assert warm.truth.loads == loads + 1
    assert cache.documents[ADAS][0] == stored.revision
    await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
    await deliver(
        warm.contexts, warm.side.projector, warm.side.store
    )  # committed without another announcement
    assert await warm.owed() == 8_00
    assert await warm.owed_from_cache() == 8_00


async def test_a_row_that_changes_while_it_is_read_is_not_served_from_that_copy(
    warm: Cached, cache: MemoryCache
) -> None:
    """The slow reader brings an older revision than was announced, and perhaps copied, meanwhile."""

    async def change() -> None:
        await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
        await warm.deliver()

    async def change_copy_and_flush() -> None:
        await an_invoice(warm.contexts, ADA, 10, 1_00, day(71))
        await warm.deliver()
        assert await warm.owed() == 9_00
        cache.documents.clear()

    for during, before, after in ((change, 7_00, 8_00), (change_copy_and_flush, 8_00, 9_00)):
        cache.documents.clear()
        warm.truth.during = during
        assert await warm.owed() == before  # it began before the change
        assert await warm.owed() == after
        assert await warm.owed_from_cache() == after


async def test_a_read_of_a_term_that_has_ended_makes_no_copy_for_the_next(
    warm: Cached, cache: MemoryCache
) -> None:
    """Another process may have changed the row between the two terms."""

    async def another_leads() -> None:
        await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
        await deliver(warm.contexts, warm.side.projector, warm.side.store)
        turns.enter_context(warm.term.running())
        assert warm.rows._valid_copies() == {}

    cache.documents.clear()
    with ExitStack() as turns:
        warm.truth.during = another_leads
        assert await warm.owed() == 7_00  # it began before the change
        assert await warm.owed() == 8_00


async def test_a_server_that_is_away_only_makes_it_slower(warm: Cached, cache: MemoryCache) -> None:
    """It is not used again for a second; when it is back, what it held before is not served."""
    cache.away = True
    assert await warm.owed() == 7_00
    await a_void(warm.contexts, ADA, f"inv_{TENANT}_3", 7_00, day(71))
    await warm.deliver()
    assert await warm.owed() == 0
    cache.away = False
    loads = warm.truth.loads
    assert (await warm.owed(), warm.truth.loads) == (0, loads + 1)
    warm.sleeper.now += 1.0
    assert (await warm.owed(), warm.truth.loads) == (0, loads + 2)
    assert await warm.owed_from_cache() == 0


async def test_a_server_that_was_restored_with_old_rows_is_not_believed(
    warm: Cached, cache: MemoryCache
) -> None:
    """It may have lost its last second: only the revision that was written last is served."""
    old = dict(cache.documents)
    await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
    await warm.deliver()
    assert await warm.owed() == await warm.owed_from_cache() == 8_00
    cache.documents = old
    assert await warm.owed() == 8_00
    assert await warm.owed_from_cache() == 8_00


async def test_a_process_that_does_not_lead_serves_no_copy(warm: Cached, cache: MemoryCache) -> None:
    """No change is announced to it: its copy could be from before the position that was waited for."""
    follower = Cached(cache)
    follower.rows = CachedRowStore(warm.truth, cache, follower.sleeper, follower.term)
    loads = warm.truth.loads
    assert (await follower.owed(), warm.truth.loads) == (7_00, loads + 1)
    with warm.term.running():
        pass  # and the leader leads no more
    assert (await warm.owed(), warm.truth.loads) == (7_00, loads + 2)


async def test_a_new_leader_reads_the_row_before_it_serves_the_copy(warm: Cached) -> None:
    """The leader before it may have died between its commit and its copy."""
    await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
    await deliver(warm.contexts, warm.side.projector, warm.side.store)  # announced to another process
    with warm.term.running():
        assert await warm.owed() == 8_00
        assert await warm.owed_from_cache() == 8_00


async def test_more_changes_than_are_remembered_make_copies_colder_not_older(
    warm: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: the oldest announcement is forgotten, and its copy was dropped before."""
    monkeypatch.setattr("projections.engine.cache.cached_row_store.COPIES_MAX", 1)
    await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
    await warm.deliver()
    other = replace((await warm.truth.load(BALANCES, [ROW]))[ROW], id="cus_other:USD")
    await warm.rows.announce(BALANCES, [RowChange(other, 0)])
    assert await warm.owed() == 8_00
    assert await warm.owed_from_cache() == 8_00


async def test_a_document_that_we_never_wrote_is_no_row(warm: Cached, cache: MemoryCache) -> None:
    """An edited or a partial document: the row store is read."""
    for document in (
        b"",
        b"{}",
        b'{"row": 7, "revision": 1, "updated_at": "2026-01-01T00:00:00Z"}',
        b"\xff",
    ):
        cache.documents[ADAS] = (99, document)
        assert await warm.owed() == 7_00


async def test_an_emptied_server_is_as_good_as_a_slow_one(warm: Cached, cache: MemoryCache) -> None:
    """What is not there is read from the rows."""
    cache.documents.clear()
    assert await warm.owed() == 7_00
    assert await warm.owed_from_cache() == 7_00


async def test_on_a_real_server_an_older_revision_is_refused(redis_url: str) -> None:
    """Two processes may copy the same row; the later revision wins, in whatever order they come."""
    cache = RedisCache(redis_url, "test:older")
    await cache.write({ADAS: (2, b"two")})
    await cache.write({ADAS: (1, b"one")})
    assert await cache.read([ADAS, (BALANCES.table, TENANT, "missing")]) == {ADAS: b"two"}
    await cache.write({ADAS: (10, b"ten")})
    assert await cache.read([ADAS]) == {ADAS: b"ten"}
    await cache.close()


async def test_on_a_real_server_a_flush_loses_nothing(redis_url: str) -> None:
    """The whole way on Valkey: written, emptied, still right, and written again."""
    cache = RedisCache(redis_url, "test:flush")
    warm = Cached(cache)
    await a_year_in_short(warm.contexts)
    await warm.deliver()
    client: Any = Redis.from_url(redis_url)
    with warm.term.running():
        stored = (await warm.rows.load(BALANCES, [ROW]))[ROW]
        assert await warm.owed_from_cache() == 7_00
        assert (await warm.rows.load(BALANCES, [ROW]))[ROW] == stored
        await client.flushall()
        assert await warm.owed() == 7_00
        assert await warm.owed_from_cache() == 7_00
    await client.aclose()
    await cache.close()


async def test_nobody_at_the_door_is_told_within_a_second(free_port: int) -> None:
    """Clients' defaults would hang for a minute."""
    cache = RedisCache(f"redis://127.0.0.1:{free_port}/0", "test:away")
    async with asyncio.timeout(1):
        with pytest.raises(CacheUnavailable):
            await cache.write({ADAS: (1, b"one")})
        with pytest.raises(CacheUnavailable):
            await cache.read([ADAS])
    await cache.close()


@pytest.fixture
async def free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
