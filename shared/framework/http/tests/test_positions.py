import asyncio

import pytest

from shared.framework.eventstore.records import CommitReceipt, EventPosition
from shared.framework.http.read_your_writes import PositionToken, format_tokens, parse_tokens, position_tokens
from shared.framework.http.refusals import PositionIsUnreadable
from shared.framework.http.tests.doubles import Setting


class Heard:
    """Has heard this far, and remembers what it was asked."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.asked: list[tuple[str, int, int]] = []

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        self.asked.append((context, partition, position))
        return position <= self.position

    async def catch_up(self, context: str, timeout_s: float) -> None:
        raise AssertionError("no command refers to another context here")


def test_a_commit_tells_the_furthest_position_of_each_partition() -> None:
    """Slots 1 and 5 share a partition of four; slot 2 has its own."""
    places = (EventPosition("a", 1, 10, 1), EventPosition("b", 1, 11, 5), EventPosition("c", 1, 12, 2))
    marks = position_tokens("invoicing", CommitReceipt(places), 4)
    assert marks == (PositionToken("invoicing", 1, 11), PositionToken("invoicing", 2, 12))
    assert parse_tokens(format_tokens(marks)) == marks


@pytest.mark.parametrize("header", ["", "a", "a:b:c", "a:1", "a:1:-1", "A:1:1", "a:1:1,", "a:1:" + "9" * 30])
def test_what_we_never_spelt_is_not_waited_for(header: str) -> None:
    """A bad mark is the caller's mistake, told at once."""
    with pytest.raises(PositionIsUnreadable):
        parse_tokens(header)


def test_nobody_waits_for_a_hundred_marks() -> None:
    """One request, a handful of partitions."""
    with pytest.raises(PositionIsUnreadable):
        parse_tokens(",".join(["a:1:1"] * 17))


async def test_a_request_waits_until_this_process_has_heard() -> None:
    """Every mark is asked for; our own context needs no waiting."""
    heard = Heard(position=20)
    marks = "invoicing:1:7, payments:0:20, subscriptions:3:999"
    answer = await Setting(waiter=heard).get("/v1/things", tollhouse_wait_for=marks)
    assert answer.status_code == 200
    assert heard.asked == [("invoicing", 1, 7), ("payments", 0, 20)]


async def test_all_marks_are_waited_for_at_once() -> None:
    """Sixteen that come late one after the other would hold a request for more than a minute."""

    class AnswersTogether(Heard):
        def __init__(self) -> None:
            super().__init__(position=100)
            self.all_asked = asyncio.Event()

        async def wait_for_position(
            self, context: str, partition: int, position: int, timeout_s: float
        ) -> bool:
            await super().wait_for_position(context, partition, position, timeout_s)
            if len(self.asked) == 3:
                self.all_asked.set()
            async with asyncio.timeout(timeout_s):
                return await self.all_asked.wait()

    marks = "invoicing:0:1, invoicing:1:1, payments:0:1"
    answer = await Setting(waiter=AnswersTogether()).get("/v1/things", tollhouse_wait_for=marks)
    assert answer.status_code == 200


async def test_a_position_that_does_not_come_is_a_504() -> None:
    """The caller may ask again; stale data is never passed off as fresh."""
    answer = await Setting(waiter=Heard(position=6)).get("/v1/things", tollhouse_wait_for="invoicing:1:7")
    assert (answer.status_code, answer.json()["code"]) == (504, "position-not-reached")
    assert answer.headers["retry-after"] == "1"


async def test_who_may_not_ask_does_not_wait() -> None:
    """The scope is judged first: a stranger cannot hold our connections."""
    heard = Heard(position=0)
    answer = await Setting(waiter=heard).get("/v1/things", who="nobody", tollhouse_wait_for="invoicing:1:7")
    assert (answer.status_code, heard.asked) == (403, [])


async def test_a_process_that_hears_nobody_has_nothing_to_wait_for() -> None:
    """Whatever it is, no answer of this process will ever depend on it."""
    answer = await Setting().get("/v1/things", tollhouse_wait_for="invoicing:1:7")
    assert answer.status_code == 200


async def test_marks_may_come_in_several_lines() -> None:
    """A list is one list, however a proxy has cut it (RFC 9110, 5.3)."""
    heard = Heard(position=20)
    setting = Setting(waiter=heard)
    lines = [("tollhouse-wait-for", "invoicing:1:7"), ("tollhouse-wait-for", "payments:0:20")]
    headers = [("authorization", "Bearer writer"), *lines]
    assert (await setting.client.get("/v1/things", headers=headers)).status_code == 200
    assert heard.asked == [("invoicing", 1, 7), ("payments", 0, 20)]
