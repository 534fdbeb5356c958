"""The hot copy makes balances cheap; away, emptied, restarted or late, it never makes them wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from projections.engine.cache.cache import CacheUnavailable
from projections.engine.cache.cached_row_store import CachedRowStore
from projections.engine.cache.redis import RedisCache
from projections.engine.cache.row_cache import RowCache
from projections.engine.folding import RowChange
from projections.engine.memory import MemoryRowStore
from projections.engine.read_model import AnyModel, Key, StoredRow
from projections.read_models.balances.projection import BALANCES
from projections.tests.stories import (
    ADA,
    ADA_OWES,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_void,
    a_year_in_short,
    an_invoice,
    day,
    hear,
)
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.process.clock import EventLoopSleeper

ADAS: Key = (TENANT, ADA_OWES)


class MemoryCache:
    """A server that can go away, lose everything, or come back as another."""

    def __init__(self) -> None:
        self.incarnation: str | None = None
        self.server, self.away = "first", False
        self.documents: dict[Key, tuple[int, bytes]] = {}

    async def meet(self) -> str:
        self._answer()
        return self.server

    async def read(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        self._answer()
        return {key: self.documents[key][1] for key in keys if key in self.documents}

    async def write(self, documents: Mapping[Key, tuple[int, bytes]]) -> None:
        self._answer()
        for key, (revision, document) in documents.items():
            if self.documents.get(key, (0, b""))[0] <= revision:
                self.documents[key] = (revision, document)

    def _answer(self) -> None:
        if self.away:
            raise CacheUnavailable
        self.incarnation = self.server


class CountingRows(MemoryRowStore):
    """The truth, counting who asks it."""

    asked = 0

    async def load(self, model: AnyModel, keys: Any) -> Mapping[Key, StoredRow[Any]]:
        self.asked += 1
        return await super().load(model, keys)


@asynccontextmanager
async def running(copy: RowCache) -> AsyncIterator[None]:
    task = asyncio.create_task(copy.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_copied(copy: RowCache, key: Key = ADAS) -> StoredRow[Any]:
    async with asyncio.timeout(10):
        while True:
            found = await copy.read([key])
            if key in found:
                return found[key]
            await asyncio.sleep(0.005)


class Warm:
    """A read side with a hot copy of its balances."""

    def __init__(self, cache: MemoryCache | RedisCache) -> None:
        self.contexts, self.side = Contexts(), MemoryReadSide()
        self.truth = CountingRows(self.side.store)
        self.term, self.cache = LeadershipTerm(), cache
        self.copy = RowCache(BALANCES, self.truth, cache, EventLoopSleeper(), self.term)
        self.runner = replace(self.side.runner, tell=self.copy.announce)
        self.rows = CachedRowStore(self.truth, self.copy)

    async def hear(self) -> None:
        await hear(self.contexts, self.runner, self.side.store)

    async def owed(self) -> int:
        owed: int = (await self.rows.load(BALANCES, [ADAS]))[ADAS].row.owed
        return owed


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
async def warm(cache: MemoryCache) -> AsyncIterator[Warm]:
    warm = Warm(cache)
    await a_year_in_short(warm.contexts)
    await warm.hear()
    with warm.term.running():
        yield warm


async def test_a_copied_balance_is_served_without_asking_the_truth(warm: Warm) -> None:
    """That is what the copy is for."""
    async with running(warm.copy):
        await until_copied(warm.copy)
        asked = warm.truth.asked
        assert await warm.owed() == 7_00
        assert warm.truth.asked == asked


async def test_a_balance_that_changes_is_not_served_from_the_copy_until_it_is_renewed(warm: Warm) -> None:
    """From before its commit until after its copy: reading one's own writes holds all the time."""
    async with running(warm.copy):
        before = await until_copied(warm.copy)
        await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
        await warm.hear()
        assert await warm.owed() == 8_00
        assert (await until_copied(warm.copy)).revision == before.revision + 1
        assert await warm.copy.busy() == 0


async def test_a_change_that_is_announced_but_not_committed_is_not_copied(
    warm: Warm, cache: MemoryCache
) -> None:
    """What never became true must not be seen, and its row is read from the truth meanwhile."""
    async with running(warm.copy):
        stored = await until_copied(warm.copy)
        change = RowChange(replace(stored, revision=stored.revision + 1), stored.revision)
        await warm.copy.announce(BALANCES, [change])
        await asyncio.sleep(0.05)
        assert await warm.copy.read([ADAS]) == {}
        assert cache.documents[ADAS][0] == stored.revision


async def test_a_server_that_is_away_only_makes_it_slower(warm: Warm, cache: MemoryCache) -> None:
    """And when it is back with what it knew before, that is not believed until it is filled again."""
    async with running(warm.copy):
        await until_copied(warm.copy)
        cache.away = True
        assert await warm.owed() == 7_00
        await a_void(warm.contexts, ADA, f"inv_{TENANT}_3", 7_00, day(71))
        await warm.hear()
        assert (await warm.owed(), await warm.copy.busy()) == (0, 0)
        cache.away = False
        assert await warm.owed() == 0
        assert (await until_copied(warm.copy)).row.owed == 0


async def test_a_server_that_restarted_with_old_rows_is_not_believed(warm: Warm, cache: MemoryCache) -> None:
    """It may have lost its last second: only the server that was filled is believed."""
    async with running(warm.copy):
        await until_copied(warm.copy)
        old = dict(cache.documents)
        await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
        await warm.hear()
        await until_copied(warm.copy)
        cache.documents, cache.server = old, "second"
        assert await warm.owed() == 8_00
        assert (await until_copied(warm.copy)).row.owed == 8_00


async def test_a_process_that_does_not_lead_believes_no_copy(warm: Warm) -> None:
    """It is told of no change: what it would serve could be from before the position it has waited for."""
    follower = RowCache(BALANCES, warm.truth, warm.cache, EventLoopSleeper(), LeadershipTerm())
    async with running(warm.copy), running(follower):
        await until_copied(warm.copy)
        assert await follower.read([ADAS]) == {}
        with warm.term.running():
            pass  # and the leader leads no more
        assert await warm.copy.read([ADAS]) == {}
        assert (await warm.owed(), await warm.copy.busy()) == (7_00, 0)


async def test_a_new_leader_fills_the_copy_before_it_believes_it(warm: Warm, cache: MemoryCache) -> None:
    """The leader before it may have died between its commit and its copy."""
    async with running(warm.copy):
        await until_copied(warm.copy)
    await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
    await hear(warm.contexts, warm.side.runner, warm.side.store)  # nobody copies this
    async with running(warm.copy):
        with warm.term.running():
            assert await warm.owed() == 8_00
            assert (await until_copied(warm.copy)).row.owed == 8_00


async def test_a_change_that_takes_too_long_is_not_waited_for_and_not_believed_away(
    warm: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction may commit after all: until the row changes again, the truth is asked."""
    monkeypatch.setattr("projections.engine.cache.row_cache.GIVEN_UP_AFTER_S", 0.0)
    async with running(warm.copy):
        stored = await until_copied(warm.copy)
        slow = RowChange(replace(stored, revision=stored.revision + 1), stored.revision)
        await warm.copy.announce(BALANCES, [slow])
        await until_idle(warm.copy)
        await an_invoice(warm.contexts, ADA, 9, 1_00, day(70))
        await hear(warm.contexts, warm.side.runner, warm.side.store)  # it commits, and nobody hears of it
        assert await warm.owed() == 8_00
        monkeypatch.setattr("projections.engine.cache.row_cache.GIVEN_UP_AFTER_S", 20.0)
        await an_invoice(warm.contexts, ADA, 10, 1_00, day(71))
        await warm.hear()
        assert (await until_copied(warm.copy)).row.owed == 9_00


async def test_a_document_that_we_never_wrote_is_no_row(warm: Warm, cache: MemoryCache) -> None:
    """Somebody's hand, or half a write: the truth is asked."""
    async with running(warm.copy):
        await until_copied(warm.copy)
        for document in (
            b"",
            b"{}",
            b'{"row": 7, "revision": 1, "updated_at": "2026-01-01T00:00:00Z"}',
            b"\xff",
        ):
            cache.documents[ADAS] = (99, document)
            assert await warm.owed() == 7_00


@asynccontextmanager
async def leading(warm: Warm) -> AsyncIterator[None]:
    with warm.term.running():
        yield


async def until_idle(copy: RowCache) -> None:
    async with asyncio.timeout(10):
        while await copy.busy():
            await asyncio.sleep(0.005)


async def test_an_emptied_server_is_as_good_as_a_slow_one(warm: Warm, cache: MemoryCache) -> None:
    """What is not there is asked of the truth."""
    async with running(warm.copy):
        await until_copied(warm.copy)
        cache.documents.clear()
        assert await warm.owed() == 7_00


async def test_on_a_real_server_an_older_revision_is_refused(redis_url: str) -> None:
    """Two processes may copy the same row; the later one wins, whoever comes last."""
    cache = RedisCache(redis_url, "test:older")
    await cache.write({ADAS: (2, b"two")})
    await cache.write({ADAS: (1, b"one")})
    assert await cache.read([ADAS, (TENANT, "nobody")]) == {ADAS: b"two"}
    await cache.write({ADAS: (10, b"ten")})
    assert await cache.read([ADAS]) == {ADAS: b"ten"}
    await cache.close()


async def test_on_a_real_server_a_flush_loses_nothing(redis_url: str) -> None:
    """The whole way on Valkey: filled, emptied, still right."""
    cache = RedisCache(redis_url, "test:flush")
    warm = Warm(cache)
    await a_year_in_short(warm.contexts)
    await warm.hear()
    client: Any = Redis.from_url(redis_url)
    async with leading(warm), running(warm.copy):
        stored = await until_copied(warm.copy)
        assert stored == (await warm.truth.load(BALANCES, [ADAS]))[ADAS]
        await client.flushall()
        assert await warm.owed() == 7_00
    await client.aclose()
    await cache.close()


async def test_on_a_real_server_every_new_connection_tells_who_answers(redis_url: str) -> None:
    """A restart breaks connections, so it is noticed before the first answer of the new server."""
    client: Any = Redis.from_url(redis_url)
    cache = RedisCache(redis_url, "test:who")
    about = await client.info("server")
    assert await cache.meet() == about["run_id"]
    cache.incarnation = "forgotten"
    await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    try:
        await cache.read([ADAS])
    except CacheUnavailable:
        await cache.read([ADAS])
    assert cache.incarnation == about["run_id"]
    await client.aclose()
    await cache.close()


async def test_nobody_at_the_door_is_told_within_a_second(free_port: int) -> None:
    """Clients' defaults would hang for a minute."""
    cache = RedisCache(f"redis://127.0.0.1:{free_port}/0", "test:away")
    async with asyncio.timeout(1):
        with pytest.raises(CacheUnavailable):
            await cache.meet()
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
