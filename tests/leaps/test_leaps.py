"""Whatever the delays between services: one advance, one outcome, and later commands come later."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.subscriptions.test_clocks.decider import FinishAdvance, MoveTestClock
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced
from shared.framework.eventstore.records import TenantClock
from shared.framework.testing.fakes import FakeClock
from tests.e2e.small_business import PLAN
from tests.leaps.installation import Installation

NOW = datetime(2026, 11, 25, tzinfo=UTC)
START, TARGET = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC)
ZONES = ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "America/Los_Angeles"]
CARDS = ["tok_ok", "tok_ok", "tok_soft-ok", "tok_ok"]
LATE = datetime(2026, 2, 10, tzinfo=UTC)
SEEDS = range(50)


def event(event_id: str, at: datetime) -> dict[str, str]:
    """A call of the first customer."""
    envelope = {"specversion": "1.0", "type": "api.call", "source": "test", "subject": "c0"}
    return {**envelope, "id": event_id, "time": at.isoformat()}


async def open_business(world: Installation) -> None:
    """Four customers in four time zones, one of whom pays at the second attempt."""
    await world.request("subscriptions", "POST", "/v1/test-clock", {"now": START.isoformat()}, "clock")
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
    await world.request("metering", "POST", "/v1/meters", meter, "meter")
    await world.request("subscriptions", "POST", "/v1/plans", PLAN, "plan")
    for number, (zone, card) in enumerate(zip(ZONES, CARDS, strict=True)):
        customer = {"external_id": f"c{number}", "currency": "EUR", "time_zone": zone}
        made = await world.request("subscriptions", "POST", "/v1/customers", customer, f"c{number}")
        who = {"customer_id": made["customer_id"]}
        method = {**who, "gateway": "sandbox", "token": card}
        # Without Tollhouse-Wait-For: payments waits for the customer by itself.
        await world.request("payments", "POST", "/v1/payment-methods", method, f"m{number}")
        await world.request(
            "subscriptions", "POST", "/v1/subscriptions", {**who, "plan_key": "standard"}, f"s{number}"
        )
    await world.request("ingest", "POST", "/v1/events", event("early", START))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an advance has led to: dates by number, documents by date, readings, payments, steps.

    Which of two documents of one instant has the lower number is open.
    """

    dates: list[datetime]
    documents: list[tuple[datetime, int, int]]
    readings: list[tuple[datetime, str, datetime]]
    payments: list[datetime]
    steps: int


async def outcome(world: Installation) -> Outcome:
    """The outcome, from the events."""
    invoicing = await world.events("invoicing")
    metering, payments = await world.events("metering"), await world.events("payments")
    finalized = [event for event in invoicing if isinstance(event, InvoiceFinalized)]
    clock = await world.events("subscriptions")
    return Outcome(
        [one.finalized_at for one in sorted(finalized, key=lambda one: one.number)],
        sorted((one.finalized_at, one.tax.minor, one.total.minor) for one in finalized),
        sorted(
            (one.period.end, str(one.quantities[0].quantity), one.taken_at)
            for one in metering
            if isinstance(one, UsageReadingTaken)
        ),
        sorted(one.succeeded_at for one in payments if isinstance(one, PaymentSucceeded)),
        sum(isinstance(one, TestClockAdvanced) for one in clock),
    )


async def played(seed: int, *, late_at_once: bool) -> Outcome:
    """A business that advances by four months; late commands come at once, or when the clock is there."""
    world = Installation(seed, FakeClock(NOW))
    async with world.running():
        await open_business(world)
        told = await start_advance(world)
        assert (told["now"], told["state"]) == ("2026-01-31T12:00:00Z", "advancing")
        if not late_at_once:
            await world.ready()
        await command_late(world)
        assert (await world.ready())["now"] == "2026-05-20T00:00:00Z"
        return await outcome(world)


async def start_advance(world: Installation) -> dict[str, Any]:
    """Begin the advance by four months."""
    advance = {"to": TARGET.isoformat()}
    return await world.request("subscriptions", "POST", "/v1/test-clock/advance", advance, "advance")


async def command_late(world: Installation) -> None:
    """The tenant's first tax rate, and an event of the time before."""
    tax = {"name": "VAT", "rate": "0.19", "source": "test"}
    await asyncio.gather(
        world.request("invoicing", "PUT", "/v1/tax-rate", tax),
        world.request("ingest", "POST", "/v1/events", event("late", LATE)),
    )


@pytest.fixture(scope="module")
def expected() -> Outcome:
    """What a business gets whose late commands come when the clock is ready."""
    return asyncio.run(played(4711, late_at_once=False))


def test_the_expected_outcome_is_that_of_a_clock_that_runs(expected: Outcome) -> None:
    """Each document an hour after its month in its zone; no tax, and the late event is in no reading."""
    assert len(expected.documents) == 12
    assert {tax for _, tax, _ in expected.documents} == {0}
    assert [quantity for _, quantity, _ in expected.readings].count("1") == 1
    assert all(taken.minute == 0 and (taken - end).seconds == 3600 for end, _, taken in expected.readings)
    assert len(expected.payments) == 12


@pytest.mark.parametrize("seed", SEEDS)
def test_an_advance_has_one_outcome_whatever_the_delays(seed: int, expected: Outcome) -> None:
    """Numbers, dates, tax, quantities and payments; also when later commands come before it is played."""
    found = asyncio.run(played(seed, late_at_once=True))
    assert found == expected
    assert found.dates == sorted(found.dates)


@pytest.mark.parametrize("seed", range(5))
def test_an_advance_goes_on_after_all_processes_were_killed(seed: int, expected: Outcome) -> None:
    """Where it was: all that it knows is in the stores."""

    async def play() -> Outcome:
        world = Installation(seed, FakeClock(NOW))
        async with world.running():
            await open_business(world)
            await start_advance(world)
        for _ in range(20):
            async with world.running():
                await world.sleeper.pause(2000)
        async with world.running():
            await command_late(world)
            await world.ready()
            return await outcome(world)

    assert asyncio.run(play()) == expected


async def test_an_advance_waits_for_a_context_that_does_not_answer(
    expected: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, takes no step, and goes on by itself."""
    monkeypatch.setattr("services.subscriptions.test_clocks.leaps.FOLLOWED_WITHIN_S", 0.02)
    world = Installation(1, FakeClock(NOW))
    async with world.running():
        await open_business(world)
        world.unreachable.add("payments")
        client = world.services["subscriptions"].client
        headers = {"authorization": "Bearer admin", "idempotency-key": "advance"}
        body = {"to": TARGET.isoformat()}
        answer = await client.post("/v1/test-clock/advance", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "test-clock-advancing")
        assert "not yet received by payments" in answer.json()["detail"]
        await world.sleeper.pause(20_000)
        clock = await world.request("subscriptions", "GET", "/v1/test-clock")
        assert clock == {
            "now": "2026-01-31T12:00:00Z",
            "target": "2026-05-20T00:00:00Z",
            "state": "advancing",
            "waiting_for": ["payments does not answer"],
            "overdue": {},
        }
        world.unreachable.clear()
        await start_advance(world)
        await world.ready()
        await command_late(world)
        assert await outcome(world) == expected


async def test_a_timer_that_fails_again_and_again_is_left_behind_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The advance waits for its first attempts; then time goes on, as it would on the system's clock."""
    world = Installation(1, FakeClock(NOW))

    async def fail(*_: object) -> None:
        raise ValueError("a defect")

    async with world.running():
        await open_business(world)
        handlers = dict(world.services["metering"].timers.handlers)
        broken = {purpose: replace(handler, decide=fail) for purpose, handler in handlers.items()}
        world.services["metering"].timers.handlers = broken
        await start_advance(world)
        while (await world.request("subscriptions", "GET", "/v1/test-clock"))["state"] != "ready":
            world.clock.move(timedelta(seconds=10))
            await world.sleeper.pause(50)
        assert (await world.ready())["overdue"] == {"metering": 12}
        assert (await outcome(world)).documents == []
        world.services["metering"].timers.handlers = handlers
        for _ in range(200):
            world.clock.move(timedelta(seconds=10))
            await world.sleeper.pause(50)
        found = await outcome(world)
        assert len(found.documents) == 12
        assert found.dates == sorted(found.dates)


def test_a_clock_that_jumps_would_be_noticed(expected: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target at once, as before 2026-11-25: other outcomes for some seeds."""
    monkeypatch.setattr("services.subscriptions.test_clocks.leaps._next_step", _jump)
    outcomes = [asyncio.run(played(seed, late_at_once=True)) for seed in range(5)]
    assert any(replace(one, steps=expected.steps) != expected for one in outcomes)


def _jump(clock: TenantClock, target: datetime, _: object) -> MoveTestClock | FinishAdvance:
    if clock.now == target:
        return FinishAdvance(at=target, overdue={})
    return MoveTestClock(at=clock.now, to=target)
