"""How loops pause and begin again, by virtual time."""

import asyncio
from collections.abc import Iterable

import pytest

from shared.framework.messaging.port import BrokerFailed
from shared.framework.retry.backoff import HEALTHY_AFTER_S, RESTARTS, Backoff, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask, every


class Defect(Exception):
    """Not transient: it ends the loops of these tests."""


class VirtualSleeper:
    """Passes time at once and notes every pause."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return wake is not None and wake.is_set()

    def elapsed(self) -> float:
        return self.now


class Script:
    """Work that has these outcomes one after the other, and is a defect in the end."""

    def __init__(self, outcomes: Iterable[bool | BaseException | asyncio.Event]) -> None:
        self._outcomes = iter(outcomes)

    async def step(self) -> bool:
        outcome = next(self._outcomes, Defect())
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, asyncio.Event):
            outcome.set()
        return outcome is True

    async def work(self) -> None:
        await self.step()


async def pauses_of(
    script: Script, pause: Backoff, wake: asyncio.Event | None = None, *, end: type[BaseException] = Defect
) -> list[float]:
    sleeper = VirtualSleeper()
    with pytest.raises(end):
        await PeriodicTask(script.step, pause, sleeper, wake).run()
    return sleeper.pauses


async def test_a_step_that_left_work_is_followed_at_once() -> None:
    assert await pauses_of(Script([True, False, True, True, False]), every(3.0)) == [3.0, 3.0]


async def test_pauses_grow_while_there_is_nothing_to_do() -> None:
    script = Script([False, False, False, False, True, False])
    assert await pauses_of(script, Backoff(1.0, 3.0)) == [1.0, 2.0, 3.0, 3.0, 1.0]


async def test_a_wake_up_during_a_step_is_not_lost_and_makes_the_next_pause_a_first_one() -> None:
    wake = asyncio.Event()
    pauses = await pauses_of(Script([False, False, wake, False]), Backoff(1.0, 9.0), wake)
    assert pauses == [1.0, 2.0, 4.0, 1.0]
    assert not wake.is_set()


async def test_the_task_itself_retries_nothing() -> None:
    assert await pauses_of(Script([BrokerFailed("away")]), every(1.0), end=BrokerFailed) == []


async def test_work_begins_again_after_an_end_and_after_a_transient_failure() -> None:
    sleeper = VirtualSleeper()
    outcomes: list[bool | BaseException] = [BrokerFailed("away"), False, *[OSError("gone")] * 5]
    with pytest.raises(Defect):
        await restart_with_backoff("work", Script(outcomes).work, sleeper)
    assert sleeper.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


async def test_after_healthy_work_a_failure_counts_as_the_first() -> None:
    sleeper, script = VirtualSleeper(), Script([OSError(), OSError(), OSError(), OSError()])
    times = iter([0.0, 0.0, HEALTHY_AFTER_S + 0.5, HEALTHY_AFTER_S - 0.5])

    async def work() -> None:
        sleeper.now += next(times, 0.0)
        await script.step()

    with pytest.raises(Defect):
        await restart_with_backoff("work", work, sleeper)
    assert sleeper.pauses == [0.05, 0.1, 0.05, 0.1]


async def test_a_cancellation_goes_through_and_is_not_retried() -> None:
    sleeper, started = VirtualSleeper(), asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(restart_with_backoff("work", work, sleeper))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert sleeper.pauses == []


def test_a_back_off_stays_at_the_longest_pause_however_often_it_failed() -> None:
    assert [Backoff(0.05, 0.5, factor=4).pause_s(earlier) for earlier in range(4)] == [0.05, 0.2, 0.5, 0.5]
    assert RESTARTS.pause_s(10**9) == 2.0
