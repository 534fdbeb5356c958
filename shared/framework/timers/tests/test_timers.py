"""What is due is done, in due order, once; what fails is tried again later."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, ClockChange, Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.process.system import EventLoopSleeper
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import eventually, running
from shared.framework.testing.store_examples import (
    EXAMPLES,
    METADATA,
    NOON,
    TENANT,
    TESTING,
    days,
    registered,
)
from shared.framework.timers.loop import CONCURRENT_CALLS_MAX, TimerLoop, unfinished_timers
from shared.framework.timers.timer import TimerHandler


class Rig:
    """A timer loop over a memory store; `fired`: which timers were decided, and at which moment."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON)
        self.store = MemoryEventStore("invoicing", self.clock, EXAMPLES)
        self.fired: list[tuple[str, datetime]] = []
        self.answers: list[Any] = []
        self.loop = self.another({"note": TimerHandler(decide=self.note)})

    def another(self, actions: dict[str, TimerHandler]) -> TimerLoop:
        return TimerLoop(self.store, actions, self.clock, MemoryLeadership(), EventLoopSleeper())

    async def note(self, session: Session, timer: Timer, answer: Any) -> None:
        self.fired.append((timer.timer_id, session.now))
        self.answers.append(answer)
        session.append(f"cus_{timer.timer_id}", 0, [registered(timer.timer_id)])

    async def set(self, *timers: Timer, clock: datetime | None = None) -> None:
        clocks = {} if clock is None else {TENANT: ClockChange(clock)}
        await self.store.commit(ChangeSet(timers=list(timers), clocks=clocks))

    async def names(self) -> Sequence[str]:
        return [name for name, _ in self.fired]


def timer(name: str, due_at: datetime, *, testing: bool = False, purpose: str = "note") -> Timer:
    return Timer(name, TENANT, due_at, purpose, {}, TESTING if testing else METADATA)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def drain(loop: TimerLoop) -> None:
    while await loop.fire_due():
        pass


async def test_nothing_is_done_before_it_is_due(rig: Rig) -> None:
    """A timer waits for its moment, then is handled at the system's now."""
    await rig.set(timer("t1", NOON + days(1)))
    await drain(rig.loop)
    assert rig.fired == []
    rig.clock.move(days(1.5))
    await drain(rig.loop)
    assert rig.fired == [("t1", NOON + days(1.5))]
    assert await rig.store.due_timers(rig.clock.now(), 10) == []


async def test_a_year_on_a_test_clock_plays_every_moment_in_order(rig: Rig) -> None:
    """Each happens at its own due moment, and what it brings about falls into place between the others."""

    async def close_period(session: Session, due: Timer, answer: Any) -> None:
        await rig.note(session, due, answer)
        session.schedule(f"{due.timer_id}-grace", session.now + timedelta(hours=1), "note", {})

    loop = rig.another({"note": TimerHandler(rig.note), "close": TimerHandler(close_period)})
    months = [timer(f"m{n}", NOON + days(30 * n), testing=True, purpose="close") for n in (3, 1, 2)]
    await rig.set(*months, clock=NOON + days(365))
    await drain(loop)
    assert [name for name, _ in rig.fired] == ["m1", "m1-grace", "m2", "m2-grace", "m3", "m3-grace"]
    assert rig.fired[1][1] == NOON + days(30) + timedelta(hours=1)


async def test_what_a_timer_brings_about_names_it_as_its_cause(rig: Rig) -> None:
    """The correlation goes on, the causation is the timer."""
    await rig.set(timer("t1", NOON))
    await drain(rig.loop)
    [record] = await rig.store.read_stable(0, 10)
    assert record.metadata == msgspec.structs.replace(METADATA, causation_id="t1", occurred_at=NOON)


async def test_the_remote_answer_is_handed_to_the_decision(rig: Rig) -> None:
    """`call_remote` is asked outside the transaction."""

    async def ask(asked: Timer) -> str:
        return f"answer to {asked.timer_id}"

    await rig.set(timer("t1", NOON))
    await drain(rig.another({"note": TimerHandler(rig.note, call_remote=ask)}))
    assert rig.answers == ["answer to t1"]


async def test_remote_calls_of_one_moment_are_few_at_once(rig: Rig) -> None:
    """A hundred invoices fall due together: the gateway and the database see sixteen of them at a time."""
    waiting = most = 0

    async def ask(_: Timer) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await EventLoopSleeper().sleep(0.001)
        waiting -= 1

    await rig.set(*(timer(f"t{n}", NOON) for n in range(100)))
    await drain(rig.another({"note": TimerHandler(rig.note, call_remote=ask)}))
    assert most == CONCURRENT_CALLS_MAX
    assert len(rig.fired) == 100


async def test_a_failed_call_postpones_the_timer_and_others_go_on(rig: Rig) -> None:
    """The pause grows by the system's clock; meanwhile the timer counts as unfinished."""
    broken = {"t1"}

    async def ask(asked: Timer) -> None:
        if asked.timer_id in broken:
            raise ConnectionError("no gateway")

    loop = rig.another({"note": TimerHandler(rig.note, call_remote=ask)})
    await rig.set(timer("t1", NOON), timer("t2", NOON))
    await drain(loop)
    assert await rig.names() == ["t2"]
    assert await unfinished_timers(rig.store, rig.clock.now(), 10) == 1
    broken.clear()
    rig.clock.move(timedelta(seconds=1))
    await drain(loop)
    assert await rig.names() == ["t2", "t1"]
    assert await unfinished_timers(rig.store, rig.clock.now(), 10) == 0


async def test_a_failed_decision_writes_nothing_and_is_tried_again(rig: Rig) -> None:
    """Neither the events nor the end of the timer."""

    async def fail(session: Session, due: Timer, answer: Any) -> None:
        session.append("cus_1", 0, [registered()])
        raise ValueError("cannot decide")

    await rig.set(timer("t1", NOON))
    await drain(rig.another({"note": TimerHandler(fail)}))
    assert await rig.store.read_stable(0, 10) == []
    rig.clock.move(timedelta(seconds=1))
    await drain(rig.loop)
    assert await rig.names() == ["t1"]


async def test_a_timer_nobody_knows_is_kept(rig: Rig) -> None:
    """It may be of a newer release: it waits, loudly, and holds nobody up."""
    await rig.set(timer("t1", NOON, purpose="unheard-of"), timer("t2", NOON))
    await drain(rig.loop)
    assert await rig.names() == ["t2"]
    rig.clock.move(days(1))
    assert [due.timer_id for due in await rig.store.due_timers(rig.clock.now(), 10)] == ["t1"]


async def test_two_loops_that_both_think_they_lead_fire_once(rig: Rig) -> None:
    """Finishing the timer is a compare-and-set."""
    loops = [rig.another({"note": TimerHandler(rig.note)}) for _ in range(2)]
    async with running(*(loop.run for loop in loops)):
        await rig.set(*(timer(f"t{n}", NOON) for n in range(20)))
        await eventually(lambda: wrote(rig, 20))
    assert await rig.store.due_timers(rig.clock.now(), 10) == []


async def wrote(rig: Rig, count: int) -> bool:
    return len(await rig.store.read_stable(0, 100)) == count
