"""Coupons of subscriptions: which of what is billed they reduce, and for how long."""

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.subscriptions.subscriptions.commands import (
    AdvanceSubscription,
    ApplyCoupon,
    CancelAt,
    CancelSubscription,
    ChangeAt,
    ChangeSubscription,
    RemoveCoupon,
    SubscriptionCommand,
)
from services.subscriptions.subscriptions.couponing import COUPONS_MAX
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.due import next_due
from services.subscriptions.subscriptions.refusals import (
    CouponIsAppliedAlready,
    CouponIsNotApplied,
    CouponsAreTooMany,
    SubscriptionHasEnded,
    SubscriptionIsCancelled,
)
from services.subscriptions.subscriptions.state import SubscriptionEvent
from services.subscriptions.tests.scenarios import CALLS, FEE, NOON, PLAN_ONE, START, STARTED, on
from shared.billing.contracts.subscriptions.coupons import CouponApplied, CouponDefined, CouponRemoved
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.billing.discounts import AmountOff, Discount, PercentageOff, Reduction
from shared.billing.money import Money
from shared.billing.period import Interval, boundary
from shared.framework.core.refusals import Refusal
from shared.framework.testing.spec import Spec

subscription = Spec(SUBSCRIPTION)
TEN = PercentageOff(percent=Decimal(10))
FIVE = AmountOff(amount=Money(500, "EUR"))
ADVANCE = Charge(key="base", name="Base", price=FEE.price, in_advance=True, seats=True)
AHEAD = msgspec.structs.replace(PLAN_ONE, charges=(ADVANCE, CALLS))


def apply(
    reduction: Reduction = TEN,
    periods: int | None = None,
    *,
    charges: tuple[str, ...] = (),
    plans: tuple[str, ...] = (),
    coupon: str = "cpn_1",
    now: datetime = NOON,
) -> ApplyCoupon:
    """The command that applies a coupon to the scenario's subscription."""
    terms = CouponDefined(
        coupon_id=coupon,
        code=coupon.upper(),
        name="Spring",
        reduction=reduction,
        periods=periods,
        plan_keys=(),
        charge_keys=charges,
        customer_id=None,
        redemptions_max=None,
        redemptions_per_customer_max=None,
        expires_at=None,
        defined_at=NOON,
    )
    return ApplyCoupon(subscription_id="sub_1", coupon=terms, plan_ids=plans, now=now)


def discount(reduction: Reduction = TEN, *charges: str) -> Discount:
    return Discount(discount_id="cpn_1", name="Spring", reduction=reduction, charge_keys=charges)


applied = CouponApplied(
    subscription_id="sub_1", code="CPN_1", discount=discount(), periods=None, plan_ids=(), applied_at=NOON
)


def lived(*commands: SubscriptionCommand, until: datetime) -> list[SubscriptionEvent]:
    """The events of the commands, each at its own instant, and of all that falls due until an instant."""
    events: list[SubscriptionEvent] = []
    for command in commands:
        events = due_until(events, command.now)
        events += SUBSCRIPTION.decide(SUBSCRIPTION.fold(events), command)
    return due_until(events, until)


def due_until(events: Sequence[SubscriptionEvent], now: datetime) -> list[SubscriptionEvent]:
    """The history with all that falls due until an instant."""
    found = list(events)
    while (due_at := next_due(SUBSCRIPTION.fold(found))) is not None and due_at <= now:
        command = AdvanceSubscription(subscription_id="sub_1", due_at=due_at, now=due_at)
        found += SUBSCRIPTION.decide(SUBSCRIPTION.fold(found), command)
    return found


def discounts(events: Sequence[SubscriptionEvent]) -> list[list[tuple[str, ...] | None]]:
    """Of each event that is billed: the charge keys of its discounts."""
    billed = [event for event in events if isinstance(event, BillingPeriodClosed | ChargesDue)]
    return [[one.charge_keys for one in event.discounts] for event in billed]


ALL: list[tuple[str, ...]] = [()]
NONE: list[tuple[str, ...]] = []


def test_a_coupon_is_applied_with_a_copy_of_its_terms() -> None:
    """It is not looked up again."""
    subscription.given(STARTED).when(apply()).then(applied)


@pytest.mark.parametrize(
    ("periods", "expected"), [(1, [ALL, NONE, NONE]), (2, [ALL, ALL, NONE]), (None, [ALL, ALL, ALL])]
)
@pytest.mark.parametrize("reduction", [TEN, FIVE])
def test_a_coupon_reduces_so_many_periods(
    reduction: Reduction, periods: int | None, expected: list[object]
) -> None:
    """Billed in arrears, from the period in which it is applied."""
    events = lived(START, apply(reduction, periods, now=on(2, 3)), until=on(4, 30))
    assert discounts(events) == expected
    first = next(event for event in events if isinstance(event, BillingPeriodClosed))
    assert first.discounts == (discount(reduction),)


def test_a_coupon_given_at_the_start_reduces_what_is_due_at_once() -> None:
    """Once: the fee in advance and the usage of the first period, not the fee of the second."""
    start = replace(START, plan=AHEAD, coupon=apply(periods=1))
    events = lived(start, until=on(3, 31))
    assert [type(event) for event in events[1:3]] == [CouponApplied, ChargesDue]
    assert discounts(events) == [ALL, [("calls",)], NONE]


def test_a_fixed_amount_is_taken_once_for_each_period() -> None:
    """With the fee in advance; the usage of that period is not reduced again, the next fee is."""
    start = replace(START, plan=AHEAD, coupon=apply(FIVE, periods=2))
    assert discounts(lived(start, until=on(4, 30))) == [ALL, ALL, NONE, NONE]


def test_other_seats_within_a_period_are_reduced_and_not_counted() -> None:
    """A percentage of a period is of all that is billed of it."""
    start = replace(START, plan=AHEAD, coupon=apply(periods=2))
    seats = ChangeSubscription(
        subscription_id="sub_1",
        change_id="chg_1",
        kind="terms",
        at=ChangeAt.NOW,
        quantities={"base": Decimal(3)},
        now=on(2, 10),
    )
    assert discounts(lived(start, seats, until=on(3, 31))) == [ALL, ALL, ALL, [("calls",)]]


def test_a_cut_period_is_one_period() -> None:
    """Cancelled on the tenth, the last invoice is of a period of its own."""
    cancel = CancelSubscription(subscription_id="sub_1", at=CancelAt.NOW, now=on(3, 10))
    assert discounts(lived(START, apply(periods=1), cancel, until=on(4, 30))) == [ALL, NONE]
    assert discounts(lived(START, apply(periods=2), cancel, until=on(4, 30))) == [ALL, ALL]


def test_a_period_in_two_parts_is_counted_once_and_its_fixed_amount_is_taken_once() -> None:
    """Another price within the period closes it there."""
    other = ChangeSubscription(
        subscription_id="sub_1",
        change_id="chg_1",
        kind="terms",
        at=ChangeAt.NOW,
        plan=msgspec.structs.replace(PLAN_ONE, version=2),
        now=on(2, 10),
    )
    assert discounts(lived(START, apply(TEN, 1), other, until=on(3, 31, 11))) == [ALL, ALL, NONE]
    assert discounts(lived(START, apply(FIVE, 1), other, until=on(3, 31, 11))) == [ALL, NONE, NONE]


def test_a_coupon_of_some_charges_counts_only_what_has_them() -> None:
    """Nothing of `calls` is due at the start."""
    start = replace(START, plan=AHEAD, coupon=apply(periods=1, charges=("calls", "miles")))
    events = lived(start, until=on(3, 31))
    assert discounts(events) == [NONE, [("calls", "miles")], NONE]


def test_a_coupon_of_a_plan_rests_while_another_plan_is_billed() -> None:
    """And is not used up."""
    start = replace(START, coupon=apply(periods=2, plans=("plan_1",)))
    other, back = (
        ChangeSubscription(
            subscription_id="sub_1",
            change_id=f"chg_{month}",
            kind="terms",
            at=ChangeAt.PERIOD_END,
            plan=msgspec.structs.replace(PLAN_ONE, plan_id=plan_id),
            now=on(month, 10),
        )
        for month, plan_id in ((2, "plan_2"), (3, "plan_1"))
    )
    assert discounts(lived(start, other, back, until=on(5, 31))) == [ALL, NONE, ALL, NONE]


def test_several_coupons_are_listed_in_the_order_of_their_application() -> None:
    """Fixed amounts are taken in that order."""
    events = lived(START, apply(FIVE, coupon="cpn_2"), apply(TEN), until=on(2, 28))
    [closed] = [event for event in events if isinstance(event, BillingPeriodClosed)]
    assert [one.discount_id for one in closed.discounts] == ["cpn_2", "cpn_1"]


def test_a_removed_coupon_reduces_nothing_more() -> None:
    """Removed twice is refused."""
    remove = RemoveCoupon(subscription_id="sub_1", coupon_id="cpn_1", now=on(3, 1))
    removed = CouponRemoved(subscription_id="sub_1", coupon_id="cpn_1", removed_at=on(3, 1))
    events = lived(START, apply(), remove, until=on(3, 31))
    assert removed in events
    assert discounts(events) == [ALL, NONE]
    subscription.given(STARTED, applied, removed).when(remove).refuses(CouponIsNotApplied)


def test_a_coupon_is_not_applied_twice_until_it_is_spent() -> None:
    """Then it may be redeemed again, if its limits allow it."""
    subscription.given(STARTED, applied).when(apply()).refuses(CouponIsAppliedAlready)
    events = lived(START, apply(periods=1), apply(periods=1, now=on(3, 1)), until=on(4, 30))
    assert discounts(events) == [ALL, ALL, NONE]


def test_a_subscription_has_so_many_coupons_at_most() -> None:
    """The eleventh is refused."""
    coupons = [apply(coupon=f"cpn_{number}") for number in range(COUPONS_MAX)]
    events = lived(START, *coupons, until=NOON)
    subscription.given(*events).when(apply(coupon="cpn_x")).refuses(CouponsAreTooMany)


def test_a_cancelled_or_ended_subscription_takes_no_coupon() -> None:
    """It has no next period."""
    cancel = CancelSubscription(subscription_id="sub_1", at=CancelAt.PERIOD_END, now=NOON)
    cancelled = lived(START, cancel, until=NOON)
    subscription.given(*cancelled).when(apply()).refuses(SubscriptionIsCancelled)
    ended = lived(START, cancel, until=on(2, 28))
    subscription.given(*ended).when(apply(now=on(3, 1))).refuses(SubscriptionHasEnded)


def test_an_applied_coupon_closes_first_what_is_due() -> None:
    """The period that was over when the coupon came is not reduced, however late its timer is."""
    events = subscription.given(STARTED).when(apply(now=on(3, 1))).decided
    assert [type(event) for event in events] == [BillingPeriodClosed, CouponApplied]
    assert discounts(events) == [NONE]


BOUNDARIES = [boundary(NOON, "Europe/Berlin", Interval.parse("P1M"), number) for number in range(16)]


def stretches(event: BillingPeriodClosed | ChargesDue) -> list[tuple[int, set[str]]]:
    """The numbers of the periods for whose time an event bills, with the charges of each."""
    ahead = {one.charge.key for one in event.items if one.credit_of is None and one.charge.in_advance}
    if isinstance(event, ChargesDue):
        return [(bisect_right(BOUNDARIES, event.effective_at), ahead)]
    over = {charge.key for charge in event.charges}
    return [
        (bisect_right(BOUNDARIES, event.period.start), over),
        (bisect_right(BOUNDARIES, event.period.end), ahead),
    ]


def reduced(event: BillingPeriodClosed | ChargesDue) -> set[int]:
    """The numbers of the periods that the discount of an event reduces."""
    keys = [one.charge_keys for one in event.discounts]
    return {
        number
        for number, billed in stretches(event)
        for scope in keys
        if billed and (not scope or billed & {*scope})
    }


def at_day(number: int) -> datetime:
    return NOON + timedelta(days=number, hours=1)


def change(number: int, kind: str, seats: int) -> ChangeSubscription:
    """Other seats, another version of the plan, a pause or its end, on a day."""
    version = msgspec.structs.replace(AHEAD, version=seats) if kind == "plan" else None
    return ChangeSubscription(
        subscription_id="sub_1",
        change_id=f"chg_{number}",
        kind=kind if kind in ("pause", "resume") else "terms",  # type: ignore[arg-type]
        at=ChangeAt.NOW,
        plan=version,
        quantities={"base": Decimal(seats)} if kind == "seats" else {},
        now=at_day(number),
    )


changes = st.lists(
    st.builds(
        change, st.integers(0, 300), st.sampled_from(["seats", "plan", "pause", "resume"]), st.integers(1, 9)
    ),
    max_size=8,
    unique_by=lambda command: command.change_id,
).map(lambda found: sorted(found, key=lambda command: command.now))


@given(changes, st.sampled_from([TEN, FIVE]), st.sampled_from([1, 2, 3, None]), st.integers(0, 100))
def test_whatever_happens_a_coupon_reduces_no_more_periods_than_it_has(
    commands: list[ChangeSubscription], reduction: Reduction, periods: int | None, day: int
) -> None:
    """A percentage without an end reduces all that is billed; an amount is taken once for each period."""
    events = lived(replace(START, plan=AHEAD), until=NOON)
    coupon: list[ApplyCoupon | ChangeSubscription] = [apply(reduction, periods, now=at_day(day))]
    for command in sorted([*coupon, *commands], key=lambda one: one.now):
        events = due_until(events, command.now)
        with suppress(Refusal):
            events += SUBSCRIPTION.decide(SUBSCRIPTION.fold(events), command)
    events = due_until(events, at_day(330))
    billed = [event for event in events if isinstance(event, BillingPeriodClosed | ChargesDue)]
    found = [reduced(event) for event in billed]
    if periods is not None:
        assert len(set().union(*found)) <= periods
    if reduction is FIVE:
        taken = [numbers for numbers in found if numbers]
        assert all(numbers - set().union(*taken[:place]) for place, numbers in enumerate(taken))
    elif periods is None:
        applied_in = next(place for place, event in enumerate(events) if isinstance(event, CouponApplied))
        later = [one for one in events[applied_in:] if isinstance(one, BillingPeriodClosed | ChargesDue)]
        assert all(one.discounts for one in later if any(keys for _, keys in stretches(one)))
