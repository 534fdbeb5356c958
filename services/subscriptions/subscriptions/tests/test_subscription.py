"""The decider of subscriptions: started, closed period by period."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.refusals import (
    AnchorIsAfterTheStart,
    AnchorIsTooOld,
    PeriodIsNotOver,
    PlanCurrencyDiffers,
    StartIsTooFar,
    StartIsTooOld,
    SubscriptionExists,
    SubscriptionIsUnknown,
)
from services.subscriptions.tests.scenarios import DAY, NOON, PLAN_ONE, START, STARTED, advance, closed, on
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.framework.core.refusals import ImpossibleHistory, Refusal
from shared.framework.testing.spec import Spec

subscription = Spec(SUBSCRIPTION)
FIRST = closed(0, on(1, 31), on(2, 28))
# Berlin's clocks go forward on 29 March, so local noon (13:00 there) is an hour earlier in UTC.
SECOND = closed(1, on(2, 28), on(3, 31, hour=11))
THIRD = closed(2, on(3, 31, hour=11), on(4, 30, hour=11))


def test_a_subscription_writes_down_the_prices_of_its_plan_version() -> None:
    """A later version of the plan does not change it."""
    subscription.when(START).then(STARTED)


def test_a_start_in_the_past_backdates() -> None:
    """The periods since then are there to be closed, one after the other."""
    past = NOON - 60 * DAY
    began = msgspec.structs.replace(STARTED, anchor_at=past, starts_at=past)
    subscription.when(replace(START, anchor_at=past, starts_at=past)).then(began)


def test_a_history_without_a_start_is_billed_from_its_anchor() -> None:
    """As it was before start and anchor were two things."""
    old = msgspec.structs.replace(STARTED, starts_at=None)
    subscription.given(old).when(advance(on(2, 28))).then(FIRST)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"starts_at": NOON + 3654 * DAY}, StartIsTooFar),
        ({"starts_at": NOON - 3654 * DAY}, StartIsTooOld),
        ({"starts_at": NOON - DAY}, AnchorIsAfterTheStart),
    ],
)
def test_a_start_that_cannot_be_is_refused(change: dict[str, datetime], refusal: type[Refusal]) -> None:
    """Periods are counted forward from the anchor, and the start is within ten years."""
    subscription.when(replace(START, **change)).refuses(refusal)  # type: ignore[arg-type]


def test_an_anchor_of_another_age_is_refused() -> None:
    """A mistyped year must not close decades of periods."""
    subscription.when(replace(START, anchor_at=NOON - 3654 * DAY)).refuses(AnchorIsTooOld)


def test_a_plan_in_another_currency_is_refused() -> None:
    """A customer is billed in one currency."""
    dollars = msgspec.structs.replace(PLAN_ONE, currency="USD")
    subscription.when(replace(START, plan=dollars)).refuses(PlanCurrencyDiffers)


def test_an_id_starts_one_subscription() -> None:
    """A second start under the same id is not the same subscription."""
    subscription.given(STARTED).when(START).refuses(SubscriptionExists)


def test_periods_are_closed_one_after_the_other_from_the_anchor() -> None:
    """31 January, 28 February, 31 March, 30 April, at one o'clock in Berlin, summer time or not."""
    (
        subscription.given(STARTED)
        .when(advance(on(2, 28)))
        .then(FIRST)
        .when(advance(on(3, 31, hour=11)))
        .then(SECOND)
        .when(advance(on(4, 30, hour=11)))
        .then(THIRD)
    )


def test_a_period_is_closed_once() -> None:
    """The timer fired twice, or another process was faster: nothing more is published."""
    subscription.given(STARTED, FIRST).when(advance(on(2, 28))).then_nothing()
    subscription.given(STARTED, FIRST, SECOND).when(advance(on(2, 28), on(12, 31))).then_nothing()


def test_a_period_is_not_closed_out_of_turn() -> None:
    """Period two waits for period one."""
    subscription.given(STARTED).when(advance(on(3, 31, hour=11), on(12, 31))).then_nothing()


def test_a_period_is_not_closed_before_its_end() -> None:
    """Usage may still come; the last microsecond belongs to it."""
    early = on(2, 28) - timedelta(microseconds=1)
    subscription.given(STARTED).when(advance(on(2, 28), early)).refuses(PeriodIsNotOver)


def test_a_period_that_is_closed_late_keeps_its_own_bounds() -> None:
    """A process that was down for a week closes what was due, with the instant of the closing."""
    late = msgspec.structs.replace(FIRST, closed_at=on(3, 7))
    subscription.given(STARTED).when(advance(on(2, 28), on(3, 7))).then(late)


def test_nothing_is_closed_of_a_subscription_that_is_not_there() -> None:
    """It is a refusal, because a timer for it is a defect."""
    subscription.when(advance(on(2, 28))).refuses(SubscriptionIsUnknown)


def test_a_day_that_a_zone_skipped_is_not_billed() -> None:
    """Samoa had no 30 December 2011; its empty period would share its identity with the next."""
    midnight = datetime(2011, 12, 28, 10, tzinfo=UTC)
    daily = msgspec.structs.replace(STARTED, interval="P1D", time_zone="Pacific/Apia", anchor_at=midnight)
    daily = msgspec.structs.replace(daily, starts_at=midnight)
    scenario = subscription.given(daily)
    periods = []
    for day in range(1, 5):
        when = scenario.when(advance(midnight + day * DAY, midnight + 9 * DAY))
        (event,) = when.decided
        assert isinstance(event, BillingPeriodClosed)
        periods.append(event.period)
        scenario = when.then(event)
    assert periods == [Period(midnight + n * DAY, midnight + (n + 1) * DAY) for n in range(4)]


@pytest.mark.parametrize("history", [(FIRST,), (STARTED, STARTED)])
def test_a_history_that_cannot_have_happened_is_loud(history: tuple[BillingPeriodClosed, ...]) -> None:
    """It is never ignored."""
    with pytest.raises(ImpossibleHistory):
        SUBSCRIPTION.fold(history)
