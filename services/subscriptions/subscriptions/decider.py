"""A subscription: started from a plan version, closed period by period, cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.subscriptions.subscriptions.calendar import (
    OpenPeriod,
    end_of_period_at,
    first_index,
    next_period_from,
    open_period_from,
)
from services.subscriptions.subscriptions.refusals import (
    AnchorIsAfterTheStart,
    AnchorIsInTheFuture,
    AnchorIsTooOld,
    PeriodIsNotOver,
    PlanCurrencyDiffers,
    StartIsInTheFuture,
    StartIsTooOld,
    SubscriptionExists,
    SubscriptionHasEnded,
    SubscriptionIsUnknown,
)
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.plans import PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionStarted,
)
from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSubscription:
    """Bill a customer by a plan version from `starts_at` on, for the usage of `subject`.

    Periods are counted from `anchor_at`, which is not after the start.
    """

    subscription_id: str
    customer: CustomerRegistered
    plan: PlanPublished
    subject: str
    anchor_at: datetime
    starts_at: datetime
    now: datetime


class CancelAt(StrEnum):
    """When a cancelled subscription ends."""

    PERIOD_END = "period_end"
    NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSubscription:
    """End a subscription with its present period, or now: then that period is cut."""

    subscription_id: str
    at: CancelAt
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod:
    """Close the period of this index (counted from the anchor), whose end has come."""

    subscription_id: str
    period_index: int
    now: datetime


SubscriptionCommand = StartSubscription | CancelSubscription | ClosePeriod

BACKDATED_MAX = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class NoSubscription:
    """No subscription was started under this id."""


@dataclass(frozen=True, slots=True)
class Active:
    """Billed period by period; once it is cancelled, the last period ends at `ends_at`."""

    terms: SubscriptionStarted
    next_index: int = 0
    ends_at: datetime | None = None

    @property
    def open_period(self) -> OpenPeriod | None:
        """The one period that may be closed next; None when the last one is closed."""
        return open_period_from(self.terms, self.next_index, self.ends_at)


@dataclass(frozen=True, slots=True)
class Ended:
    """The last period is closed."""

    terms: SubscriptionStarted
    ended_at: datetime


Subscription = NoSubscription | Active | Ended
SubscriptionEvent = SubscriptionStarted | SubscriptionCancelled | BillingPeriodClosed | SubscriptionEnded


def decide(state: Subscription, command: SubscriptionCommand) -> Sequence[SubscriptionEvent]:
    """The events of a command; see the function of each."""
    match command:
        case StartSubscription():
            return start(state, command)
        case CancelSubscription():
            return cancel(state, command)
        case ClosePeriod():
            return close_period(state, command)


def start(state: Subscription, command: StartSubscription) -> Sequence[SubscriptionEvent]:
    """The start. It copies the charges of the plan version, so no later version changes them.

    Raises SubscriptionExists, PlanCurrencyDiffers, AnchorIsInTheFuture, AnchorIsTooOld, StartIsInTheFuture,
    StartIsTooOld and AnchorIsAfterTheStart.
    """
    if not isinstance(state, NoSubscription):
        raise SubscriptionExists(command.subscription_id)
    customer, plan = command.customer, command.plan
    if plan.currency != customer.currency:
        raise PlanCurrencyDiffers(f"plan {plan.currency}, customer {customer.currency}")
    _check_instants(command)
    return [
        SubscriptionStarted(
            subscription_id=command.subscription_id,
            customer_id=customer.customer_id,
            subject=command.subject,
            plan_id=plan.plan_id,
            plan_version=plan.version,
            currency=plan.currency,
            interval=plan.interval,
            charges=plan.charges,
            time_zone=customer.time_zone,
            anchor_at=command.anchor_at,
            started_at=command.now,
            starts_at=command.starts_at,
            shares_usage=plan.shares_usage,
        )
    ]


def cancel(state: Subscription, command: CancelSubscription) -> Sequence[SubscriptionEvent]:
    """The cancellation, and the end if no period is left; nothing if an earlier one ends it as soon.

    Raises SubscriptionIsUnknown and SubscriptionHasEnded.
    """
    match state:
        case NoSubscription():
            raise SubscriptionIsUnknown(command.subscription_id)
        case Ended(ended_at=ended_at):
            raise SubscriptionHasEnded(f"{command.subscription_id} ended at {ended_at.isoformat()}")
        case Active():
            ends_at = _requested_end(state, command)
            if state.ends_at is not None and state.ends_at <= ends_at:
                return []
            cancelled = SubscriptionCancelled(
                subscription_id=command.subscription_id, ends_at=ends_at, cancelled_at=command.now
            )
            return [cancelled, *_ended_if_over(replace(state, ends_at=ends_at))]


def close_period(state: Subscription, command: ClosePeriod) -> Sequence[SubscriptionEvent]:
    """The close of the next period, and the end if it was the last; nothing for any other period.

    Raises SubscriptionIsUnknown, and PeriodIsNotOver before the period's end.
    """
    match state:
        case NoSubscription():
            raise SubscriptionIsUnknown(command.subscription_id)
        case Active(open_period=OpenPeriod(index=index) as due) if index == command.period_index:
            if command.now < due.period.end:
                raise PeriodIsNotOver(f"period {index} ends at {due.period.end.isoformat()}")
            rest = replace(state, next_index=index + 1)
            return [_closed(state.terms, due, command.now), *_ended_if_over(rest)]
        case Active() | Ended():
            return []


def evolve(state: Subscription, event: SubscriptionEvent) -> Subscription:
    """The state after an event."""
    match state, event:
        case NoSubscription(), SubscriptionStarted():
            return Active(event, first_index(event))
        case Active(), BillingPeriodClosed():
            return replace(state, next_index=event.period_index + 1)
        case Active(), SubscriptionCancelled():
            return replace(state, ends_at=event.ends_at)
        case Active(), SubscriptionEnded():
            return Ended(state.terms, event.ended_at)
    raise ImpossibleHistory(state, event)


SUBSCRIPTION: Decider[Subscription, SubscriptionCommand, SubscriptionEvent] = Decider(
    NoSubscription(), decide, evolve
)


def _check_instants(command: StartSubscription) -> None:
    anchor, start, now = command.anchor_at, command.starts_at, command.now
    if start > now:
        raise StartIsInTheFuture(f"{start.isoformat()} is after {now.isoformat()}")
    if start < now - BACKDATED_MAX:
        raise StartIsTooOld(start.isoformat())
    if anchor > now:
        raise AnchorIsInTheFuture(f"{anchor.isoformat()} is after {now.isoformat()}")
    if anchor < now - BACKDATED_MAX:
        raise AnchorIsTooOld(anchor.isoformat())
    if anchor > start:
        raise AnchorIsAfterTheStart(f"{anchor.isoformat()} is after {start.isoformat()}")


def _requested_end(state: Active, command: CancelSubscription) -> datetime:
    """The end that a cancellation asks for, never inside a closed period: clocks of processes may differ."""
    earliest = next_period_from(state.terms, state.next_index).period.start
    now = max(command.now, earliest)
    return now if command.at is CancelAt.NOW else end_of_period_at(state.terms, now, state.next_index)


def _ended_if_over(rest: Active) -> Sequence[SubscriptionEnded]:
    if rest.ends_at is None or rest.open_period is not None:
        return []
    return [SubscriptionEnded(subscription_id=rest.terms.subscription_id, ended_at=rest.ends_at)]


def _closed(terms: SubscriptionStarted, due: OpenPeriod, now: datetime) -> BillingPeriodClosed:
    return BillingPeriodClosed(
        subscription_id=terms.subscription_id,
        customer_id=terms.customer_id,
        subject=terms.subject,
        plan_id=terms.plan_id,
        plan_version=terms.plan_version,
        currency=terms.currency,
        time_zone=terms.time_zone,
        charges=terms.charges,
        period_index=due.index,
        period=due.period,
        full_period=due.full_period,
        closed_at=now,
    )
