"""For all commands in any order, the closed periods tile the time from anchor to end, each once."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.subscriptions.subscriptions.commands import (
    AdvanceSubscription,
    CancelAt,
    CancelSubscription,
)
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.due import next_due
from services.subscriptions.subscriptions.refusals import SubscriptionHasEnded
from services.subscriptions.subscriptions.state import Active, Ended, SubscriptionEvent
from services.subscriptions.tests.scenarios import NOON, STARTED
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed

steps = st.lists(
    st.tuples(
        st.timedeltas(timedelta(0), timedelta(days=70)),
        st.sampled_from([None, None, None, CancelAt.NOW, CancelAt.PERIOD_END]),
    ),
    max_size=12,
)
zones = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(steps, zones, st.sampled_from(["P1M", "P1W", "P10D", "P1Y"]), st.booleans())
def test_closed_periods_tile_the_life_of_a_subscription(
    steps_taken: list[tuple[timedelta, CancelAt | None]], zone: str, interval: str, punctual: bool
) -> None:
    """Timers may be punctual or run after everything else; a cancellation may come at any instant."""
    history: list[SubscriptionEvent] = [msgspec.structs.replace(STARTED, time_zone=zone, interval=interval)]
    now = NOON
    for pause, cancel_at in steps_taken:
        now += pause
        if punctual:
            _close_what_is_due(history, now)
        if cancel_at is not None:
            _cancel(history, cancel_at, now)
    _close_what_is_due(history, now)
    _check(history, now)


def _cancel(history: list[SubscriptionEvent], at: CancelAt, now: datetime) -> None:
    state = SUBSCRIPTION.fold(history)
    try:
        history += SUBSCRIPTION.decide(state, CancelSubscription(subscription_id="sub_1", at=at, now=now))
    except SubscriptionHasEnded:
        assert isinstance(state, Ended)


def _close_what_is_due(history: list[SubscriptionEvent], now: datetime) -> None:
    while (due_at := next_due(SUBSCRIPTION.fold(history))) is not None and due_at <= now:
        command = AdvanceSubscription(subscription_id="sub_1", due_at=due_at, now=now)
        history += SUBSCRIPTION.decide(SUBSCRIPTION.fold(history), command)
        assert SUBSCRIPTION.decide(SUBSCRIPTION.fold(history), command) == []


def _check(history: list[SubscriptionEvent], now: datetime) -> None:
    periods = [event.period for event in history if isinstance(event, BillingPeriodClosed)]
    state = SUBSCRIPTION.fold(history)
    assert all(one.end == other.start for one, other in pairwise(periods))
    assert all(period.start < period.end for period in periods)
    match state:
        case Ended(ended_at=ended_at):
            assert ended_at == (periods[-1].end if periods else NOON)
        case Active(open_period=due):
            assert due is not None
            assert due.period.start == (periods[-1].end if periods else NOON)
            assert due.period.end > now
