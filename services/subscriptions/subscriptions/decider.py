"""A subscription: started from a plan version, billed period by period, changed, paused, cancelled."""

from collections.abc import Sequence

from services.subscriptions.subscriptions.cancelling import cancellation_withdrawn, cancelled
from services.subscriptions.subscriptions.changing import changed
from services.subscriptions.subscriptions.commands import (
    AdvanceSubscription,
    ApplyCoupon,
    CancelSubscription,
    ChangeSubscription,
    RemoveCoupon,
    StartSubscription,
    SubscriptionCommand,
    WithdrawCancellation,
    WithdrawChange,
)
from services.subscriptions.subscriptions.couponing import applied, removed
from services.subscriptions.subscriptions.coupons import with_discounts
from services.subscriptions.subscriptions.due import advance, caught_up
from services.subscriptions.subscriptions.refusals import (
    ChangeIsUnknown,
    SubscriptionExists,
    SubscriptionHasEnded,
    SubscriptionIsUnknown,
)
from services.subscriptions.subscriptions.starting import started
from services.subscriptions.subscriptions.state import (
    Ended,
    Live,
    NoSubscription,
    Running,
    Subscription,
    SubscriptionEvent,
    evolve,
)
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    ChargesDue,
    ScheduledChangeWithdrawn,
)
from shared.framework.core.decider import Decider


def decide(state: Subscription, command: SubscriptionCommand) -> Sequence[SubscriptionEvent]:
    """The events of a command; see the function of each. What they bill has the discounts of its coupons.

    Raises SubscriptionExists, SubscriptionIsUnknown and SubscriptionHasEnded.
    """
    events: list[SubscriptionEvent] = []
    for event in _decided(state, command):
        events.append(_discounted(state, event))
        state = evolve(state, events[-1])
    return events


def _discounted(state: Subscription, event: SubscriptionEvent) -> SubscriptionEvent:
    if isinstance(event, BillingPeriodClosed | ChargesDue) and isinstance(state, Running):
        return with_discounts(state.coupons, state.terms, event)
    return event


def _decided(state: Subscription, command: SubscriptionCommand) -> Sequence[SubscriptionEvent]:
    match command:
        case StartSubscription():
            if not isinstance(state, NoSubscription):
                raise SubscriptionExists(command.subscription_id)
            return started(command)
        case AdvanceSubscription():
            if isinstance(state, NoSubscription):
                raise SubscriptionIsUnknown(command.subscription_id)
            return advance(state, command.due_at, command.now)
        case CancelSubscription():
            return cancelled(_live(state, command.subscription_id), command)
        case WithdrawCancellation():
            after, events = caught_up(state, command.now)
            return [*events, *cancellation_withdrawn(_live(after, command.subscription_id), command)]
        case ChangeSubscription():
            after, events = caught_up(state, command.now)
            return [*events, *changed(_live(after, command.subscription_id), command)]
        case ApplyCoupon():
            after, events = caught_up(state, command.now)
            return [*events, applied(_live(after, command.subscription_id), command)]
        case RemoveCoupon():
            after, events = caught_up(state, command.now)
            return [*events, removed(_live(after, command.subscription_id), command)]
        case WithdrawChange():
            after, events = caught_up(state, command.now)
            return [*events, _withdrawn(_live(after, command.subscription_id), command)]


SUBSCRIPTION: Decider[Subscription, SubscriptionCommand, SubscriptionEvent] = Decider(
    NoSubscription(), decide, evolve
)


def _live(state: Subscription, subscription_id: str) -> Live:
    match state:
        case NoSubscription():
            raise SubscriptionIsUnknown(subscription_id)
        case Ended(ended_at=ended_at):
            raise SubscriptionHasEnded(f"{subscription_id} ended at {ended_at.isoformat()}")
        case _:
            return state


def _withdrawn(state: Live, command: WithdrawChange) -> ScheduledChangeWithdrawn:
    if command.change_id not in {change.change_id for change in state.scheduled}:
        raise ChangeIsUnknown(command.change_id)
    return ScheduledChangeWithdrawn(
        subscription_id=command.subscription_id, change_id=command.change_id, withdrawn_at=command.now
    )
