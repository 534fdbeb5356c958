"""Commands that wait: for the end of a test clock's advance, and for what they refer to."""

import asyncio
from datetime import timedelta
from typing import ClassVar

import pytest

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, ClockChange
from shared.framework.http.tests.doubles import NOON, Setting
from shared.framework.process.system import EventLoopSleeper
from shared.framework.retry.signal import Signal
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import EXAMPLES
from shared.framework.timers.ready_clock import ReadyClock

LATER = NOON + timedelta(days=9)
DEPARTURE, ARRIVAL = ClockChange(NOON, LATER), ClockChange(LATER, None)


class SignalledStore(MemoryEventStore):
    """Notifies `commits`, as the store of a process does."""

    def __init__(self) -> None:
        super().__init__("subscriptions", FakeClock(NOON), EXAMPLES)
        self.commits = Signal()

    async def set_clock(self, change: ClockChange) -> None:
        """Set acme's test clock."""
        await self.commit(ChangeSet(clocks={"acme": change}))
        self.commits.notify()


@pytest.fixture
def store() -> SignalledStore:
    return SignalledStore()


@pytest.fixture
def setting(store: SignalledStore) -> Setting:
    return Setting(store=store, clock_waiter=ReadyClock(store, EventLoopSleeper(), store.commits))


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_command_waits_until_the_test_clock_stands(
    setting: Setting, store: SignalledStore, method: str
) -> None:
    """And happens at the target, however long the way was."""
    await store.set_clock(DEPARTURE)
    headers = {"authorization": "Bearer writer"} | ({"idempotency-key": "k"} if method == "POST" else {})
    request = setting.client.request(method, "/v1/things/t1", headers=headers, json={"name": "x"})
    waiting = asyncio.create_task(request)
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    await store.set_clock(ARRIVAL)
    assert (await waiting).json()["seen_at"] == "2026-03-10T12:00:00Z"


async def test_a_command_that_has_waited_in_vain_says_so(
    setting: Setting, store: SignalledStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote nothing, and its key is free."""
    monkeypatch.setattr("shared.framework.http.command_endpoint.WAIT_MAX_S", 0.01)
    await store.set_clock(DEPARTURE)
    answer = await setting.post()
    assert (answer.status_code, answer.json()["code"]) == (503, "test-clock-advancing")
    assert answer.headers["retry-after"] == "1"
    await store.set_clock(ARRIVAL)
    assert (await setting.post()).status_code == 201


async def test_an_answered_command_never_waits(setting: Setting, store: SignalledStore) -> None:
    """Its answer is known: only other tenants and later commands have to do with the clock."""
    first = await setting.post()
    await store.set_clock(DEPARTURE)
    again = await setting.post()
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert (await setting.post(who="stranger", thing_id="t2")).status_code == 201


async def test_a_command_that_an_advance_overtakes_is_refused(
    setting: Setting, store: SignalledStore
) -> None:
    """It was decided at an instant that is over here, and must not be written after it."""
    await store.set_clock(ClockChange(NOON))

    async def advance() -> None:
        await store.set_clock(DEPARTURE)

    setting.hooks.before_commit = advance
    answer = await setting.post()
    assert (answer.status_code, answer.json()["code"]) == (503, "test-clock-advancing")
    assert await store.read_stable(0, 10) == []


class CustomerIsUnknown(Refusal):
    """There is no such customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND
    reference_to: ClassVar[str | None] = "crm"


class Arriving:
    """A consumer that receives the customer while it is waited for, or never."""

    def __init__(self, *, arrives: bool) -> None:
        self.arrives = arrives
        self.caught_up: list[str] = []

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        return True

    async def catch_up(self, context: str, timeout_s: float) -> None:
        self.caught_up.append(context)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_reference_to_another_context_is_waited_for_once(arrives: bool) -> None:
    """Only then is it unknown; the problem says how to wait for a certain position."""
    waiter = Arriving(arrives=arrives)
    setting = Setting(waiter=waiter)

    async def refer() -> None:
        if not (waiter.caught_up and waiter.arrives):
            raise CustomerIsUnknown("cus_1")

    setting.hooks.before_commit = refer
    answer = await setting.post()
    assert waiter.caught_up == ["crm"]
    if arrives:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, "customer-unknown")
        assert answer.json()["detail"].startswith("cus_1 is not known here")
        assert "Tollhouse-Wait-For" in answer.json()["detail"]


async def test_other_refusals_wait_for_nothing() -> None:
    """What a command names in its own context is known or not."""
    waiter = Arriving(arrives=True)
    setting = Setting(waiter=waiter)

    async def refuse() -> None:
        raise OwnThingIsUnknown("t1")

    setting.hooks.before_commit = refuse
    answer = await setting.post()
    assert (answer.status_code, answer.json()["detail"]) == (404, "t1")
    assert waiter.caught_up == []


class OwnThingIsUnknown(Refusal):
    """There is no such thing."""

    code = "thing-unknown"
    kind = RefusalKind.NOT_FOUND
