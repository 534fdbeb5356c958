"""What a process tells the house's own services, read by the client that they use."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet
from shared.framework.http.app import create_app
from shared.framework.http.authorization import Role
from shared.framework.messaging.feed import FeedUnavailable, InProcessFeeds
from shared.framework.messaging.feed_http import HttpFeeds
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.process.internal_routes import InternalRoutesContext, internal_routes
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.testing.messaging_harness import PARTITIONS, MessagingHarness
from shared.framework.testing.store_examples import (
    EXAMPLES,
    NOON,
    append,
    days,
    dead_letter,
    move,
    timer,
    write,
)

CALLERS = {
    "house": caller("*", "feed:read", "dlq:read", "dlq:write", role=Role.SERVICE),
    "tenant": caller("tenant-a", "feed:read", "dlq:read", "dlq:write"),
}


class Rig:
    """invoicing over memory, its consumer standing still, and ways to ask it."""

    def __init__(self, token_file: Path) -> None:
        clock, sleeper = FakeClock(NOON), EventLoopSleeper()
        self.store = MemoryEventStore("invoicing", clock, EXAMPLES)
        self.harness = MessagingHarness(
            MemoryEventStore("subscriptions", clock, EXAMPLES), self.store, MemoryBroker(sleeper), sleeper
        )
        inside = InternalRoutesContext(self.store, clock, PARTITIONS, self.harness.consumer(), self.busy)
        app = create_app(
            "invoicing",
            [internal_routes(inside)],
            store=self.store,
            clock=clock,
            ids=SequentialIds(),
            authenticator=FakeAuthenticator(CALLERS),
            partitions=PARTITIONS,
        )
        transport = httpx2.ASGITransport(app=app)
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://invoicing")
        self.feeds = HttpFeeds({"invoicing": "http://invoicing"}, token_file, transport)

    async def busy(self) -> int:
        return 3

    async def ask(self, path: str, *, method: str = "GET", who: str = "house") -> httpx2.Response:
        return await self.http.request(method, path, headers={"authorization": f"Bearer {who}"})


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    token_file = tmp_path / "token"
    token_file.write_text("house\n")
    rig = Rig(token_file)
    yield rig
    await rig.feeds.close()
    await rig.http.aclose()


async def test_a_feed_read_over_http_is_the_feed_itself(rig: Rig) -> None:
    """Records, bytes, metadata and heads come through whole, page by page."""
    for number in range(20):
        await write(rig.store, append(f"cus_{number}"))
    local = InProcessFeeds({"invoicing": rig.store})
    for partition in range(PARTITIONS):
        asked = ("invoicing", partition, PARTITIONS, 2, 3)
        assert await rig.feeds.page(*asked) == await local.page(*asked)
    assert await rig.feeds.heads("invoicing", PARTITIONS) == await local.heads("invoicing", PARTITIONS)


async def test_a_feed_that_refuses_or_is_unknown_has_failed(rig: Rig, tmp_path: Path) -> None:
    """The reader tries again later; it never takes an error for an empty page."""
    with pytest.raises(FeedUnavailable):
        await rig.feeds.page("payments", 0, PARTITIONS, 0, 10)
    (tmp_path / "token").write_text("nobody")
    with pytest.raises(FeedUnavailable):
        await rig.feeds.heads("invoicing", PARTITIONS)


@pytest.mark.parametrize("path", ["/feed?partition=0", "/feed/heads", "/progress", "/dead-letters"])
async def test_only_the_house_itself_may_look_inside(rig: Rig, path: str) -> None:
    """A tenant's credential does not open it, whatever its scopes."""
    assert (await rig.ask(path)).status_code == 200
    assert (await rig.ask(path, who="tenant")).status_code == 403
    assert (await rig.ask(path, who="nobody")).status_code == 401


@pytest.mark.parametrize(
    "asked", ["", "partition=-1", "partition=x", "partition=0&limit=1e9", "partition=0&after=-2"]
)
async def test_a_feed_asked_for_wrongly_is_a_problem(rig: Rig, asked: str) -> None:
    """Never a 500."""
    answer = await rig.ask(f"/feed?{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_progress_says_where_everything_stands(rig: Rig) -> None:
    """Heads of the own history, marks of what is heard, timers due (failed ones too), and what is in hand."""
    await write(rig.store, append("cus_1"))
    await rig.store.commit(ChangeSet(timers=[timer("t1"), timer("t2"), timer("t3", NOON + days(0.001))]))
    await rig.store.postpone("t2", NOON + days(0.002))
    told = (await rig.ask("/progress")).json()
    partition = str(partition_of(slot_of("cus_1"), PARTITIONS))
    assert told["context"] == "invoicing"
    assert told["heads"][partition] == 1
    assert told["inbox"] == {"subscriptions-events": {"0": 0, "1": 0, "2": 0, "3": 0}}
    assert (told["due_timers"], told["pending_work"]) == (2, 3)


async def test_dead_letters_are_shown_and_handled_again(rig: Rig) -> None:
    """With their cause; afterwards they are gone."""
    publishing = rig.harness.publishing
    await write(publishing, append("cus_1"))
    [record] = await publishing.read_stable(0, 1)
    letter = dead_letter(record, cause="ValueError('boom')")
    letter = type(letter)("invoicing", record, "subscriptions-events", 0, letter.cause)
    await rig.store.commit(ChangeSet(dead_letters=[letter], inbox=[move(1, expected=0)]))
    [shown] = (await rig.ask("/dead-letters")).json()
    assert (shown["cause"], shown["record"]["stream_id"]) == ("ValueError('boom')", "cus_1")
    replay = (await rig.ask("/dead-letters/replay", method="POST")).json()
    assert replay == {"handled": 1, "failing": []}
    assert (await rig.ask("/dead-letters")).json() == []


@pytest.mark.parametrize("query", ["partition=4", "partition=1099511627776", "partition=1&partitions=1"])
async def test_a_partition_that_does_not_exist_has_no_feed(rig: Rig, query: str) -> None:
    """Nor is its number handed to a database that cannot hold it."""
    answer = await rig.ask(f"/feed?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")
