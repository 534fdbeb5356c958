"""The cancellation of a subscription, and its withdrawal."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.subscriptions.subscriptions.billing import charges_due, closed_stretch
from services.subscriptions.subscriptions.calendar import end_of_period_at, next_period_from
from services.subscriptions.subscriptions.commands import (
    CancelAt,
    CancelSubscription,
    WithdrawCancellation,
)
from services.subscriptions.subscriptions.items import credits_of, items_in_advance, running_after
from services.subscriptions.subscriptions.refusals import (
    EndIsInThePast,
    SubscriptionIsNotCancelled,
)
from services.subscriptions.subscriptions.state import (
    Active,
    Live,
    Paused,
    SubscriptionEvent,
    Waiting,
    evolve,
)
from shared.billing.contracts.subscriptions.subscriptions import (
    CancellationWithdrawn,
    ChargesDue,
    SubscriptionCancelled,
    SubscriptionEnded,
)


def cancelled(state: Live, command: CancelSubscription) -> Sequence[SubscriptionEvent]:
    """The cancellation, and the end if no period is left; nothing if an earlier one ends it as soon.

    Raises EndIsInThePast.
    """
    ends_at = _requested_end(state, command)
    if state.ends_at is not None and state.ends_at <= ends_at:
        return []
    event = SubscriptionCancelled(
        subscription_id=command.subscription_id,
        ends_at=ends_at,
        cancelled_at=command.now,
        gives_credit=command.gives_credit,
    )
    match state:
        case Active():
            after = replace(state, ends_at=ends_at, gives_credit=command.gives_credit)
            return [event, *_ended_if_over(after, command.now)]
        case Waiting() | Paused():
            is_over = ends_at <= command.now
            return [event, *([_ended(state, ends_at)] if is_over else [])]


def cancellation_withdrawn(state: Live, command: WithdrawCancellation) -> Sequence[SubscriptionEvent]:
    """The withdrawal. Raises SubscriptionIsNotCancelled."""
    if state.ends_at is None:
        raise SubscriptionIsNotCancelled(command.subscription_id)
    withdrawn = CancellationWithdrawn(subscription_id=command.subscription_id, withdrawn_at=command.now)
    after = evolve(state, withdrawn)
    return [withdrawn, *(_billed_on(after, state.ends_at, command.now) if isinstance(after, Active) else [])]


def _billed_on(state: Active, ended_at: datetime, now: datetime) -> Sequence[ChargesDue]:
    """What was billed in advance up to the end that is withdrawn, given back and billed to its real end."""
    running = running_after(state.running, (), now)
    cut = [
        item
        for item in running.values()
        if item.period is not None
        and item.full_period is not None
        and item.period.end == ended_at < item.full_period.end
    ]
    kept = {key: item for key, item in running.items() if item not in cut}
    items = [*credits_of(cut, now), *items_in_advance(state.terms, now, kept, None)] if cut else []
    return charges_due(state, items, now, now)


def _requested_end(state: Live, command: CancelSubscription) -> datetime:
    """The end that a cancellation asks for, never inside a closed period: clocks of processes may differ."""
    now = command.now
    if command.at is CancelAt.DATE and (command.ends_at is None or command.ends_at < now):
        raise EndIsInThePast("" if command.ends_at is None else command.ends_at.isoformat())
    if not isinstance(state, Active):
        if command.at is CancelAt.PERIOD_END and isinstance(state, Waiting):
            return state.terms.since
        return command.ends_at if command.at is CancelAt.DATE and command.ends_at else now
    earliest = next_period_from(state.terms, state.next_index).period.start
    now = max(now, earliest)
    match command.at:
        case CancelAt.NOW:
            return now
        case CancelAt.DATE:
            return max(now, command.ends_at or now)
        case CancelAt.PERIOD_END:
            return end_of_period_at(state.terms, now, state.next_index)


def _ended_if_over(state: Active, now: datetime) -> Sequence[SubscriptionEvent]:
    """The end, with what is given back, if no time is left that a close would bill."""
    if state.ends_at is None or state.open_period is not None:
        return []
    rest = closed_stretch(state, state.ends_at, None, now, gives_credit=state.gives_credit)
    return [*rest, _ended(state, state.ends_at)]


def _ended(state: Live, at: datetime) -> SubscriptionEnded:
    return SubscriptionEnded(subscription_id=state.terms.subscription_id, ended_at=at)
