"""What falls due on a subscription by itself, and what then happens, whatever order timers fire in."""

from collections.abc import Sequence
from datetime import datetime

from services.subscriptions.subscriptions.billing import closed_stretch, opened_stretch
from services.subscriptions.subscriptions.changing import change_events
from services.subscriptions.subscriptions.refusals import PeriodIsNotOver, SubscriptionIsBehind
from services.subscriptions.subscriptions.state import (
    Active,
    Ended,
    NoSubscription,
    Paused,
    Subscription,
    SubscriptionEvent,
    Waiting,
    evolve,
)
from shared.billing.contracts.subscriptions.subscriptions import (
    SubscriptionActivated,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionPaused,
    TrialStarted,
)

DUE_MAX = 100
"""Due instants that one command makes up for; timers do more, one transaction each."""


def next_due(state: Subscription) -> datetime | None:
    """The earliest instant at which something happens by itself; None if nothing will."""
    match state:
        case Waiting(started=started, terms=terms, ends_at=ends_at):
            begins_trial = started.trial_ends_at is not None and not state.in_trial
            begins_at = (started.starts_at or terms.since) if begins_trial else terms.since
            return min(begins_at, ends_at or begins_at)
        case Active(scheduled=scheduled, open_period=due):
            found = [] if due is None else [due.period.end]
            return min([*found, *(one.at for one in scheduled[:1])], default=None)
        case Paused(scheduled=scheduled, ends_at=ends_at):
            found = [] if ends_at is None else [ends_at]
            return min([*found, *(one.at for one in scheduled[:1])], default=None)
        case NoSubscription() | Ended():
            return None


def advance(state: Subscription, due_at: datetime, now: datetime) -> Sequence[SubscriptionEvent]:
    """What happens at `due_at`; nothing if that is not the next due instant (any more).

    Raises PeriodIsNotOver before that instant.
    """
    if next_due(state) != due_at:
        return []
    if now < due_at:
        raise PeriodIsNotOver(f"due at {due_at.isoformat()}")
    match state:
        case Waiting():
            return _begin(state, due_at, now)
        case Active():
            return _close(state, due_at, now)
        case Paused():
            return _while_paused(state, due_at, now)
    return []


def caught_up(state: Subscription, now: datetime) -> tuple[Subscription, list[SubscriptionEvent]]:
    """The state when all that is due before or at `now` has happened, and those events.

    Raises SubscriptionIsBehind if that is too much for one command.
    """
    events: list[SubscriptionEvent] = []
    for _ in range(DUE_MAX):
        due_at = next_due(state)
        if due_at is None or now < due_at:
            return state, events
        for event in advance(state, due_at, now):
            state = evolve(state, event)
            events.append(event)
    raise SubscriptionIsBehind(f"periods since {due_at} are not closed yet" if due_at else "")


def _begin(state: Waiting, at: datetime, now: datetime) -> Sequence[SubscriptionEvent]:
    subscription_id, terms = state.terms.subscription_id, state.terms
    if state.ends_at is not None and state.ends_at <= at:
        return [SubscriptionEnded(subscription_id=subscription_id, ended_at=state.ends_at)]
    if at < terms.since:
        return [TrialStarted(subscription_id=subscription_id, started_at=at, ends_at=terms.since)]
    match state.started.at_trial_end if state.in_trial else "bill":
        case "cancel":
            return [
                SubscriptionCancelled(subscription_id=subscription_id, ends_at=at, cancelled_at=now),
                SubscriptionEnded(subscription_id=subscription_id, ended_at=at),
            ]
        case "pause":
            return [SubscriptionPaused(subscription_id=subscription_id, paused_from=at, paused_at=now)]
    return [*activated(state, now)]


def activated(state: Waiting, now: datetime) -> Sequence[SubscriptionEvent]:
    """The end of waiting: billing begins."""
    begun = SubscriptionActivated(
        subscription_id=state.terms.subscription_id, billed_from=state.terms.since, activated_at=now
    )
    return [begun, *opened_stretch(state, state.terms, now)]


def _close(state: Active, at: datetime, now: datetime) -> Sequence[SubscriptionEvent]:
    """The end of a period, with the scheduled changes of that instant; or those alone, within a period.

    Where the subscription ends, nothing is changed any more.
    """
    if state.ends_at is not None and state.ends_at <= at:
        return [
            *closed_stretch(state, at, None, now, gives_credit=state.gives_credit),
            SubscriptionEnded(subscription_id=state.terms.subscription_id, ended_at=state.ends_at),
        ]
    if changes := [one for one in state.scheduled if one.at <= at]:
        return change_events(state, changes, at, now)
    return closed_stretch(state, at, state.terms, now)


def _while_paused(state: Paused, at: datetime, now: datetime) -> Sequence[SubscriptionEvent]:
    subscription_id = state.terms.subscription_id
    if state.ends_at is not None and state.ends_at <= at:
        return [SubscriptionEnded(subscription_id=subscription_id, ended_at=state.ends_at)]
    return change_events(state, [one for one in state.scheduled if one.at <= at], at, now)
