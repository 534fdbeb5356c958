"""For all commands in any order: each charge is billed for the time and quantity that it was in force."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.subscriptions.subscriptions.commands import CancelAt, ChangeAt
from services.subscriptions.subscriptions.state import Active, Ended
from services.subscriptions.subscriptions.tests.life import (
    ADVANCE,
    DESKS,
    SEATS,
    SETUP,
    YEARLY,
    Life,
    plan_of,
)
from services.subscriptions.tests.scenarios import CALLS, FEE, NOON
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.core.refusals import Refusal

LONG_DESKS = DESKS.__class__(key="desks", name="Desks", price=DESKS.price, seats=True, interval="P3M")
PLANS = (
    plan_of(FEE, CALLS, ADVANCE, SEATS, DESKS, SETUP),
    plan_of(CALLS, SEATS, YEARLY, LONG_DESKS, version=2),
    plan_of(ADVANCE, DESKS, interval="P1W", version=3),
)
quantities = st.integers(0, 5).map(Decimal)
commands = st.one_of(
    st.tuples(st.just("plan"), st.sampled_from(PLANS)),
    st.tuples(st.sampled_from(["seats", "desks"]), quantities),
    st.tuples(st.sampled_from(["pause", "resume", "cancel later", "reactivate"]), st.none()),
)
whens = st.sampled_from([ChangeAt.NOW, ChangeAt.NOW, ChangeAt.PERIOD_END])
gaps = st.timedeltas(timedelta(0), timedelta(days=50)) | st.just(timedelta(0))


@settings(max_examples=200)
@given(st.lists(st.tuples(gaps, commands, whens), max_size=10), gaps)
def test_each_charge_is_billed_for_the_time_that_it_was_in_force(
    steps: list[tuple[timedelta, tuple[str, Any], ChangeAt]], last: timedelta
) -> None:
    """Time in advance counts less what is given back; all that is due happens at its own instant."""
    life, expected = Life(NOON), Counter[str]()
    life.start(PLANS[0], quantities={"seats": Decimal(1), "desks": Decimal(2)})
    for gap, command, at in steps:
        _pass(life, expected, life.now + gap)
        _send(life, command, at)
    _pass(life, expected, life.now + last)
    if not isinstance(life.state, Ended):
        life.cancel(CancelAt.NOW)
        life.move(life.now)
    assert isinstance(life.state, Ended)
    assert +_billed(life) == +expected
    once = [item.charge.key for item in life.items if item.charge.one_off]
    assert once == ["setup"] * (1 if once else 0)


def _send(life: Life, command: tuple[str, Any], at: ChangeAt) -> None:
    name, value = command
    try:
        match name:
            case "plan":
                life.change(plan=value, at=at)
            case "seats" | "desks":
                life.change(quantities={name: value}, at=at)
            case "pause" | "resume":
                life.change(kind=name, at=at)
            case "cancel later":
                life.cancel(CancelAt.PERIOD_END)
            case "reactivate":
                life.reactivate()
    except Refusal:
        return


def _pass(life: Life, expected: Counter[str], to: datetime) -> None:
    """Let time pass, and add the time in force of each charge between the instants at which terms changed."""
    while life.now < to:
        state, start = life.state, life.now
        upcoming = [one.at for one in getattr(state, "scheduled", ()) if start < one.at]
        ends_at = getattr(state, "ends_at", None)
        until = min([to, *upcoming, *([ends_at] if ends_at is not None and ends_at > start else [])])
        if isinstance(state, Active):
            for charge in state.terms.charges:
                if not charge.one_off:
                    expected[charge.key] += _units(until - start, state.terms.quantity(charge))
        life.move(until)


def _billed(life: Life) -> Counter[str]:
    found = Counter[str]()
    for item in life.items:
        if item.period is not None:
            sign = -1 if item.credit_of else 1
            found[item.charge.key] += sign * _units(item.period.end - item.period.start, item.quantity)
    for event in life.history:
        if isinstance(event, BillingPeriodClosed):
            for charge in event.charges:
                found[charge.key] += _units(event.period.end - event.period.start, Decimal(1))
    return found


def _units(time: timedelta, quantity: Decimal) -> int:
    return time // timedelta(microseconds=1) * int(quantity)
