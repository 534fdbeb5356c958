"""Timers end periods: each exactly once, at its own end, under races and repetitions."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import msgspec

from services.subscriptions.subscriptions.timers import close_period
from services.subscriptions.tests.harness import Harness
from services.subscriptions.tests.scenarios import DAY, NOON, on
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionEnded
from shared.billing.period import Period
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact


async def test_a_year_in_one_leap_plays_every_period_at_its_own_moment() -> None:
    """Twelve closings, in order, each written as of its end; nothing happens at the leap's own instant."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    await service.subscribe()
    await service.advance(on(1, 31, year=2027))
    closings = await service.closings()
    assert [event.period_index for _, event in closings] == list(range(12))
    assert all(one.period.end == other.period.start for (_, one), (_, other) in pairwise(closings))
    assert [record.metadata.occurred_at for record, _ in closings] == [e.period.end for _, e in closings]
    assert all(event.closed_at == event.period.end for _, event in closings)
    assert all(record.metadata.test_clock for record, _ in closings)


async def test_a_leap_to_the_instant_before_the_boundary_closes_nothing() -> None:
    """The boundary itself does."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    await service.subscribe()
    await service.advance(on(2, 28) - timedelta(microseconds=1))
    assert await service.closings() == []
    await service.advance(on(2, 28))
    assert len(await service.closings()) == 1


async def test_the_size_of_the_steps_does_not_matter() -> None:
    """Day by day or all at once: the same events with the same dates."""
    leaps, steps = Harness(), Harness()
    for service, days in ((leaps, 90), (steps, 1)):
        await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
        await service.subscribe()
        for day in range(days, 91, days):
            await service.advance(NOON + day * DAY)
    assert [event for _, event in await leaps.closings()] == [event for _, event in await steps.closings()]
    assert len(await leaps.closings()) == 3


async def test_a_test_clock_moves_its_own_tenant_alone() -> None:
    """A tenant without a test clock follows the system clock."""
    service = Harness()
    await service.subscribe()
    await service.run_due_timers()
    assert await service.closings() == []
    service.clock.move(on(2, 28) - NOON)
    await service.run_due_timers()
    assert len(await service.closings()) == 1


async def test_a_start_in_the_past_closes_its_periods_at_once() -> None:
    """One after the other, with the bounds that they had."""
    service = Harness()
    await service.subscribe(starts_at=on(10, 31, year=2025).isoformat())
    await service.run_due_timers()
    closings = [event for _, event in await service.closings()]
    assert [event.period.start.month for event in closings] == [10, 11, 12]
    assert {event.closed_at for event in closings} == {NOON}


async def test_an_anchor_in_the_past_sets_the_boundaries_and_bills_no_past() -> None:
    """The first period begins with the subscription; its real length is the denominator of its fee."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": on(3, 15).isoformat()})
    await service.subscribe(anchor_at=on(3, 1, hour=0).isoformat())
    await service.advance(on(5, 1))
    first, second = [event for _, event in await service.closings()]
    assert first.period == Period(on(3, 15), on(3, 31, hour=23))  # midnight of 1 April in Berlin, summer time
    assert first.full_period == Period(on(3, 1, hour=0), on(3, 31, hour=23))
    assert (second.period.start, second.period_index) == (on(3, 31, hour=23), 1)


async def test_a_timer_that_fires_twice_closes_once() -> None:
    """The second time the decider decides nothing, even if the timer was not completed."""
    service = Harness()
    subscription_id = await service.subscribe()
    service.clock.move(on(2, 28) - NOON)
    (timer,) = await service.store.due_timers(service.clock.now(), 10)

    as_of_its_end = msgspec.structs.replace(timer.metadata, occurred_at=timer.due_at)

    async def fire(unit: UnitOfWork) -> None:
        await close_period(unit.session("acme", as_of_its_end), timer, None)

    for _ in range(3):
        await transact(service.store, fire)
    assert [event.subscription_id for _, event in await service.closings()] == [subscription_id]


async def test_two_processes_that_race_close_once() -> None:
    """Both act as leader; the timer and the stream's version decide."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    await service.subscribe()
    await service.post_ok("/v1/test-clock/advance", {"to": on(1, 31, year=2027).isoformat()})
    one, other = service.timers(), service.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert [event.period_index for _, event in await service.closings()] == list(range(12))


async def test_cancelled_now_the_cut_period_is_closed_at_once_and_nothing_follows() -> None:
    """The timer of the full period finds nothing to do."""
    service = Harness()
    await service.post_ok("/v1/test-clock", {"now": NOON.isoformat()})
    subscription_id = await service.subscribe()
    await service.advance(on(3, 10))
    await service.post_ok(f"/v1/subscriptions/{subscription_id}/cancel", {"at": "now"})
    await service.run_due_timers()
    await service.advance(on(12, 31))
    closings = [event for _, event in await service.closings()]
    assert [event.period.end for event in closings] == [on(2, 28), on(3, 10)]
    assert closings[-1].full_period.end == on(3, 31, hour=11)
    names = [one.wire_name for one in await service.records() if "test-clock" not in one.wire_name]
    assert names[-1] == SubscriptionEnded.wire_name
    assert await service.store.due_timers(service.clock.now(), 10) == []
