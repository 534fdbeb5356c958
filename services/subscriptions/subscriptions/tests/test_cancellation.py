"""The decider of subscriptions: cancelled with the period, or now."""

from datetime import datetime, timedelta

import pytest

from services.subscriptions.subscriptions.commands import CancelAt, CancelSubscription
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.refusals import SubscriptionHasEnded, SubscriptionIsUnknown
from services.subscriptions.tests.scenarios import NOON, STARTED, advance, closed, on
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionEnded
from shared.framework.testing.spec import Spec

subscription = Spec(SUBSCRIPTION)
FIRST = closed(0, on(1, 31), on(2, 28))
CUT = closed(0, on(1, 31), on(2, 10), full_end=on(2, 28))


def cancel(at: CancelAt, now: datetime) -> CancelSubscription:
    return CancelSubscription(subscription_id="sub_1", at=at, now=now)


def cancelled(ends_at: datetime, cancelled_at: datetime) -> SubscriptionCancelled:
    return SubscriptionCancelled(subscription_id="sub_1", ends_at=ends_at, cancelled_at=cancelled_at)


def ended(at: datetime) -> SubscriptionEnded:
    return SubscriptionEnded(subscription_id="sub_1", ended_at=at)


def test_cancelled_at_period_end_it_bills_the_whole_last_period() -> None:
    """Nothing is cut, and nothing follows."""
    (
        subscription.given(STARTED)
        .when(cancel(CancelAt.PERIOD_END, on(2, 10)))
        .then(cancelled(on(2, 28), on(2, 10)))
        .when(advance(on(2, 28)))
        .then(FIRST, ended(on(2, 28)))
        .when(advance(on(12, 31)))
        .then_nothing()
    )


def test_cancelled_now_it_cuts_the_period_and_names_its_real_length() -> None:
    """The real period is the denominator of the last flat fee (billing rule 9)."""
    (
        subscription.given(STARTED)
        .when(cancel(CancelAt.NOW, on(2, 10)))
        .then(cancelled(on(2, 10), on(2, 10)))
        .when(advance(on(2, 10)))
        .then(CUT, ended(on(2, 10)))
        .when(advance(on(2, 28)))
        .then_nothing()
    )


def test_periods_that_are_still_to_be_closed_are_closed_first() -> None:
    """A cancellation may be quicker than the timers of a tenant that was moved a month ahead."""
    second = closed(1, on(2, 28), on(3, 10), full_end=on(3, 31, hour=11))
    (
        subscription.given(STARTED)
        .when(cancel(CancelAt.NOW, on(3, 10)))
        .then(cancelled(on(3, 10), on(3, 10)))
        .when(advance(on(2, 28)))
        .then(FIRST)
        .when(advance(on(3, 10)))
        .then(second, ended(on(3, 10)))
    )


def test_the_period_end_is_that_of_the_present_period_whatever_waits_to_be_closed() -> None:
    """By the calendar, not by how far the timers have come."""
    subscription.given(STARTED).when(cancel(CancelAt.PERIOD_END, on(3, 10))).then(
        cancelled(on(3, 31, hour=11), on(3, 10))
    )


@pytest.mark.parametrize("history", [(STARTED,), (STARTED, FIRST)])
def test_cancelled_on_the_boundary_no_empty_period_is_billed(history: tuple[object, ...]) -> None:
    """An instant on the boundary belongs to the new period, of which nothing has passed."""
    boundary = NOON if len(history) == 1 else on(2, 28)
    subscription.given(*history).when(cancel(CancelAt.NOW, boundary)).then(  # type: ignore[arg-type]
        cancelled(boundary, boundary), ended(boundary)
    )


def test_cancelled_on_the_boundary_before_it_was_closed_the_period_is_whole() -> None:
    """Its timer is due and closes it in full."""
    (
        subscription.given(STARTED)
        .when(cancel(CancelAt.NOW, on(2, 28)))
        .then(cancelled(on(2, 28), on(2, 28)))
        .when(advance(on(2, 28)))
        .then(FIRST, ended(on(2, 28)))
    )


def test_a_clock_that_is_a_little_behind_cannot_cut_into_a_closed_period() -> None:
    """Two processes need not agree on the microsecond; what was billed stays billed."""
    behind = on(2, 28) - timedelta(milliseconds=3)
    subscription.given(STARTED, FIRST).when(cancel(CancelAt.NOW, behind)).then(
        cancelled(on(2, 28), behind), ended(on(2, 28))
    )


def test_an_end_that_was_named_can_come_sooner() -> None:
    """Cancelled with the period, then cancelled at once."""
    given = subscription.given(STARTED, cancelled(on(2, 28), on(2, 10)))
    given.when(cancel(CancelAt.NOW, on(2, 12))).then(cancelled(on(2, 12), on(2, 12)))


@pytest.mark.parametrize("at", [CancelAt.NOW, CancelAt.PERIOD_END])
def test_an_end_that_was_named_never_comes_later(at: CancelAt) -> None:
    """A repeated cancellation changes nothing."""
    given = subscription.given(STARTED, cancelled(on(2, 10), on(2, 10)))
    given.when(cancel(at, on(2, 11))).then_nothing()


def test_what_has_ended_cannot_be_cancelled() -> None:
    """The refusal has the instant at which it ended."""
    over = subscription.given(STARTED, cancelled(on(2, 10), on(2, 10)), CUT, ended(on(2, 10)))
    assert "2026-02-10" in str(over.when(cancel(CancelAt.NOW, on(2, 11))).refuses(SubscriptionHasEnded))


def test_what_was_never_started_cannot_be_cancelled() -> None:
    """Also another tenant's: its stream reads as empty."""
    subscription.when(cancel(CancelAt.NOW, NOON)).refuses(SubscriptionIsUnknown)


def test_cancelled_with_the_period_on_a_boundary_it_is_the_new_period_that_is_meant() -> None:
    """An instant on the boundary belongs to the new period, closed already or not the one before."""
    for history in ((STARTED,), (STARTED, FIRST)):
        subscription.given(*history).when(cancel(CancelAt.PERIOD_END, on(2, 28))).then(
            cancelled(on(3, 31, hour=11), on(2, 28))
        )
