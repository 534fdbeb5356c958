"""Timers end periods: each exactly once, at its own moment, whatever races and repeats."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import msgspec

from services.subscriptions.subscriptions.timers import close_period
from services.subscriptions.tests.running import Running
from services.subscriptions.tests.stories import DAY, NOON, on
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionEnded
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact


async def test_a_year_in_one_leap_plays_every_period_at_its_own_moment() -> None:
    """Twelve closings, in order, each written as of its end; nothing happens at the leap's own instant."""
    house = Running()
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    await house.subscribe()
    await house.advance(on(1, 31, year=2027))
    closings = await house.closings()
    assert [event.period_index for _, event in closings] == list(range(12))
    assert all(one.period.end == other.period.start for (_, one), (_, other) in pairwise(closings))
    assert [record.metadata.occurred_at for record, _ in closings] == [e.period.end for _, e in closings]
    assert all(event.closed_at == event.period.end for _, event in closings)
    assert all(record.metadata.test_clock for record, _ in closings)


async def test_a_leap_to_the_instant_before_the_boundary_closes_nothing() -> None:
    """The boundary itself does."""
    house = Running()
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    await house.subscribe()
    await house.advance(on(2, 28) - timedelta(microseconds=1))
    assert await house.closings() == []
    await house.advance(on(2, 28))
    assert len(await house.closings()) == 1


async def test_the_size_of_the_steps_does_not_matter() -> None:
    """Day by day or all at once: the same facts with the same dates."""
    leaps, steps = Running(), Running()
    for house, days in ((leaps, 90), (steps, 1)):
        await house.told("/v1/test-clock", {"now": NOON.isoformat()})
        await house.subscribe()
        for day in range(days, 91, days):
            await house.advance(NOON + day * DAY)
    assert [event for _, event in await leaps.closings()] == [event for _, event in await steps.closings()]
    assert len(await leaps.closings()) == 3


async def test_a_test_clock_moves_its_own_tenant_alone() -> None:
    """Whoever lives in real time waits for it."""
    house = Running()
    await house.subscribe()
    await house.settle()
    assert await house.closings() == []
    house.clock.move(on(2, 28) - NOON)
    await house.settle()
    assert len(await house.closings()) == 1


async def test_a_past_anchor_closes_its_periods_at_once() -> None:
    """One after the other, with the bounds that they had."""
    house = Running()
    await house.subscribe(anchor_at=on(10, 31, year=2025).isoformat())
    await house.settle()
    closings = [event for _, event in await house.closings()]
    assert [event.period.start.month for event in closings] == [10, 11, 12]
    assert {event.closed_at for event in closings} == {NOON}


async def test_a_timer_that_fires_twice_closes_once() -> None:
    """The second time the decider has nothing to say, even if the first left no trace in the timers."""
    house = Running()
    subscription_id = await house.subscribe()
    house.clock.move(on(2, 28) - NOON)
    (timer,) = await house.store.due_timers(house.clock.now(), 10)

    as_of_its_end = msgspec.structs.replace(timer.metadata, occurred_at=timer.due_at)

    async def fire(unit: UnitOfWork) -> None:
        await close_period(unit.session("acme", as_of_its_end), timer, None)

    for _ in range(3):
        await transact(house.store, fire)
    assert [event.subscription_id for _, event in await house.closings()] == [subscription_id]


async def test_two_processes_that_race_close_once() -> None:
    """Both believe that they lead; the timer and the stream's version decide."""
    house = Running()
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    await house.subscribe()
    await house.told("/v1/test-clock/advance", {"to": on(1, 31, year=2027).isoformat()})
    one, other = house.timers(), house.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert [event.period_index for _, event in await house.closings()] == list(range(12))


async def test_cancelled_now_the_cut_period_is_closed_at_once_and_nothing_follows() -> None:
    """The timer of the full period finds nothing to do."""
    house = Running()
    await house.told("/v1/test-clock", {"now": NOON.isoformat()})
    subscription_id = await house.subscribe()
    await house.advance(on(3, 10))
    await house.told(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "now"})
    await house.settle()
    await house.advance(on(12, 31))
    closings = [event for _, event in await house.closings()]
    assert [event.period.end for event in closings] == [on(2, 28), on(3, 10)]
    assert closings[-1].full_period.end == on(3, 31, hour=11)
    assert (await house.records())[-2].wire_name == SubscriptionEnded.wire_name
    assert await house.store.due_timers(house.clock.now(), 10) == []
