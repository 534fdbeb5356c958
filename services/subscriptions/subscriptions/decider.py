"""What may be asked of this domain; each command carries its own moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.subscriptions.subscriptions.calendar import (
    OpenPeriod,
    due_period,
    end_of_period_at,
    period_from,
)
from services.subscriptions.subscriptions.refusals import (
    AnchorIsInTheFuture,
    AnchorIsTooOld,
    PeriodIsNotOver,
    PlanCurrencyDiffers,
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
    """Bill a customer by a plan version, period by period from `anchor_at`; usage is told of `subject`."""

    subscription_id: str
    customer: CustomerRegistered
    plan: PlanPublished
    subject: str
    anchor_at: datetime
    now: datetime


class CancelAt(StrEnum):
    """When a cancelled subscription ends."""

    PERIOD_END = "period_end"
    NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSubscription:
    """Let no further period begin, or cut the present one."""

    subscription_id: str
    at: CancelAt
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod:
    """A period's end has come; `period_index` says which one, counted from the anchor."""

    subscription_id: str
    period_index: int
    now: datetime


SubscriptionCommand = StartSubscription | CancelSubscription | ClosePeriod


BACKDATED_MAX = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class NoSubscription:
    """Nothing was started under this id."""


@dataclass(frozen=True, slots=True)
class Active:
    """Periods follow one another; with `ends_at` (cancelled) the last one ends there."""

    terms: SubscriptionStarted
    next_index: int = 0
    ends_at: datetime | None = None

    @property
    def due(self) -> OpenPeriod | None:
        """The one period that may be closed next; None when the last one has been."""
        return due_period(self.terms, self.next_index, self.ends_at)


@dataclass(frozen=True, slots=True)
class Ended:
    """The last period has been closed."""

    terms: SubscriptionStarted
    ended_at: datetime


Subscription = NoSubscription | Active | Ended
SubscriptionEvent = SubscriptionStarted | SubscriptionCancelled | BillingPeriodClosed | SubscriptionEnded


def decide(state: Subscription, command: SubscriptionCommand) -> Sequence[SubscriptionEvent]:
    """What follows from a command."""
    match command:
        case StartSubscription():
            return start(state, command)
        case CancelSubscription():
            return cancel(state, command)
        case ClosePeriod():
            return close_period(state, command)


def start(state: Subscription, command: StartSubscription) -> Sequence[SubscriptionEvent]:
    """The plan version's prices are written down, so that no later version can touch them."""
    if not isinstance(state, NoSubscription):
        raise SubscriptionExists(command.subscription_id)
    customer, plan = command.customer, command.plan
    if plan.currency != customer.currency:
        raise PlanCurrencyDiffers(f"plan {plan.currency}, customer {customer.currency}")
    if command.anchor_at > command.now:
        raise AnchorIsInTheFuture(f"{command.anchor_at.isoformat()} is after {command.now.isoformat()}")
    if command.anchor_at < command.now - BACKDATED_MAX:
        raise AnchorIsTooOld(command.anchor_at.isoformat())
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
        )
    ]


def cancel(state: Subscription, command: CancelSubscription) -> Sequence[SubscriptionEvent]:
    """It ends now or with the present period; an end that was named before can only come sooner."""
    match state:
        case NoSubscription():
            raise SubscriptionIsUnknown(command.subscription_id)
        case Ended(ended_at=ended_at):
            raise SubscriptionHasEnded(f"{command.subscription_id} ended at {ended_at.isoformat()}")
        case Active():
            ends_at = _end_asked_for(state, command)
            if state.ends_at is not None and state.ends_at <= ends_at:
                return []
            cancelled = SubscriptionCancelled(
                subscription_id=command.subscription_id, ends_at=ends_at, cancelled_at=command.now
            )
            return [cancelled, *_ended_if_over(replace(state, ends_at=ends_at))]


def close_period(state: Subscription, command: ClosePeriod) -> Sequence[SubscriptionEvent]:
    """Tell that a period is over, if it is the next one; one that was closed before is not told again."""
    match state:
        case NoSubscription():
            raise SubscriptionIsUnknown(command.subscription_id)
        case Active(due=OpenPeriod(index=index) as due) if index == command.period_index:
            if command.now < due.period.end:
                raise PeriodIsNotOver(f"period {index} ends at {due.period.end.isoformat()}")
            rest = replace(state, next_index=index + 1)
            return [_closed(state.terms, due, command.now), *_ended_if_over(rest)]
        case Active() | Ended():
            return []


def evolve(state: Subscription, event: SubscriptionEvent) -> Subscription:
    """What is true after this event; it judges nothing, for the event has already happened."""
    match state, event:
        case NoSubscription(), SubscriptionStarted():
            return Active(event)
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


def _end_asked_for(state: Active, command: CancelSubscription) -> datetime:
    """Never inside a period that has been closed already, even if two processes' clocks differ a little."""
    _, open_period = period_from(state.terms, state.next_index)
    moment = max(command.now, open_period.start)
    if command.at is CancelAt.NOW:
        return moment
    return end_of_period_at(state.terms, moment, state.next_index)


def _ended_if_over(rest: Active) -> Sequence[SubscriptionEnded]:
    if rest.ends_at is None or rest.due is not None:
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
