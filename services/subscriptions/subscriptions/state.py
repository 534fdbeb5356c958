"""The states of a subscription, and the state after each event."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from services.subscriptions.subscriptions.calendar import OpenPeriod, first_index, open_period_from
from services.subscriptions.subscriptions.coupons import HeldCoupon, after_billing, with_applied, without
from services.subscriptions.subscriptions.items import running_after
from services.subscriptions.subscriptions.terms import Terms
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.coupons import CouponApplied, CouponRemoved
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    CancellationWithdrawn,
    ChangeScheduled,
    ChargesDue,
    ScheduledChange,
    ScheduledChangeWithdrawn,
    SeatsChanged,
    SubscriptionActivated,
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionPaused,
    SubscriptionResumed,
    SubscriptionStarted,
    TrialStarted,
)
from shared.framework.core.refusals import ImpossibleHistory

SubscriptionEvent = (
    SubscriptionStarted
    | TrialStarted
    | SubscriptionActivated
    | SubscriptionChanged
    | SeatsChanged
    | SubscriptionPaused
    | SubscriptionResumed
    | SubscriptionCancelled
    | CancellationWithdrawn
    | CouponApplied
    | CouponRemoved
    | ChangeScheduled
    | ScheduledChangeWithdrawn
    | ChargesDue
    | BillingPeriodClosed
    | SubscriptionEnded
)


@dataclass(frozen=True, slots=True)
class NoSubscription:
    """No subscription was started under this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What all states of a subscription that has not ended have.

    `ends_at`: set by a cancellation. `scheduled`: changes to come, the earliest first. `billed_once`: keys of
    the one-off charges that were billed. `running`: items billed in advance whose time has not passed.
    `coupons`: those that reduce what is billed, also spent ones, in the order of their application.
    """

    started: SubscriptionStarted
    terms: Terms
    ends_at: datetime | None = None
    gives_credit: bool = True
    scheduled: tuple[ScheduledChange, ...] = ()
    billed_once: frozenset[str] = frozenset()
    running: Mapping[str, BillingItem] = field(default_factory=dict)
    coupons: tuple[HeldCoupon, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Running):
    """Nothing is billed yet: the start is in the future, or there is a trial (`in_trial`)."""

    in_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Active(Running):
    """Billed period by period; `accrued`: items in arrears that the next close bills."""

    next_index: int
    accrued: tuple[BillingItem, ...] = ()

    @property
    def open_period(self) -> OpenPeriod | None:
        """The one period that may be closed next; None when the last one is closed."""
        return open_period_from(self.terms, self.next_index, self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Running):
    """Nothing is billed until it is resumed."""

    paused_from: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The last period is closed."""

    started: SubscriptionStarted
    terms: Terms
    ended_at: datetime


Subscription = NoSubscription | Waiting | Active | Paused | Ended
Live = Waiting | Active | Paused
LiveT = TypeVar("LiveT", bound=Running)


def evolve(state: Subscription, event: SubscriptionEvent) -> Subscription:
    """The state after an event."""
    match state, event:
        case NoSubscription(), SubscriptionStarted():
            return _started(event)
        case ((Waiting() | Active() | Paused()), SubscriptionEnded()):
            return Ended(state.started, state.terms, event.ended_at)
        case (
            (Waiting() | Active() | Paused()),
            (SubscriptionChanged() | SeatsChanged() | SubscriptionPaused() | SubscriptionResumed()),
        ):
            return _changed(_without(state, event.change_id), event)
        case ((Waiting() | Active() | Paused()), (ChangeScheduled() | ScheduledChangeWithdrawn())):
            return _rescheduled(state, event)
        case ((Waiting() | Active() | Paused()), (SubscriptionCancelled() | CancellationWithdrawn())):
            return _ending(state, event)
        case ((Waiting() | Active() | Paused()), (CouponApplied() | CouponRemoved())):
            return replace(state, coupons=_coupons_after(state, event))
        case ((Waiting() | Active() | Paused()), ChargesDue()):
            return _billed(state, event, event.effective_at)
        case Active(), BillingPeriodClosed():
            closed = _billed(state, event, event.period.end)
            return replace(closed, next_index=event.period_index + 1, accrued=())
        case Waiting(), TrialStarted():
            return replace(state, in_trial=True)
        case Waiting(), SubscriptionActivated():
            return _active(state, state.terms)
    raise ImpossibleHistory(state, event)


def _changed(
    state: Live, event: SubscriptionChanged | SeatsChanged | SubscriptionPaused | SubscriptionResumed
) -> Live:
    match state, event:
        case ((Waiting() | Paused()), SubscriptionChanged()):
            # While nothing is billed, the terms still begin where the billing does.
            return replace(state, terms=replace(state.terms.changed(event), since=state.terms.since))
        case Active(), SubscriptionChanged():
            return _active(state, state.terms.changed(event))
        case Active(), SeatsChanged():
            return replace(
                state, terms=state.terms.with_seats(event), accrued=(*state.accrued, *event.accrued)
            )
        case ((Waiting() | Active()), SubscriptionPaused()):
            return _paused(state, event)
        case Paused(), SubscriptionResumed():
            return _active(state, state.terms.begun(event.billed_from))
    raise ImpossibleHistory(state, event)


def _rescheduled(state: LiveT, event: ChangeScheduled | ScheduledChangeWithdrawn) -> LiveT:
    if isinstance(event, ScheduledChangeWithdrawn):
        return _without(state, event.change_id)
    changes = sorted((*state.scheduled, event.change), key=lambda one: (one.at, one.change_id))
    return replace(state, scheduled=tuple(changes))


def _ending(state: LiveT, event: SubscriptionCancelled | CancellationWithdrawn) -> LiveT:
    if isinstance(event, CancellationWithdrawn):
        # Another revision: what is billed anew from this instant must not have the id of what it replaces.
        terms = replace(state.terms, revision=state.terms.revision + 1)
        return replace(state, terms=terms, ends_at=None, gives_credit=True)
    return replace(state, ends_at=event.ends_at, gives_credit=event.gives_credit)


def _started(event: SubscriptionStarted) -> Waiting | Active:
    """Waiting only for events that say so: those of before trials begin at once, also in a past instant."""
    waiting = Waiting(started=event, terms=Terms.of(event))
    return waiting if event.billed_from > event.started_at else _active(waiting, waiting.terms)


def _active(state: Live, terms: Terms) -> Active:
    return Active(
        started=state.started,
        terms=terms,
        ends_at=state.ends_at,
        gives_credit=state.gives_credit,
        scheduled=state.scheduled,
        billed_once=state.billed_once,
        running=state.running,
        coupons=state.coupons,
        next_index=first_index(terms),
    )


def _paused(state: Live, event: SubscriptionPaused) -> Paused:
    return Paused(
        started=state.started,
        terms=state.terms,
        ends_at=state.ends_at,
        gives_credit=state.gives_credit,
        scheduled=state.scheduled,
        billed_once=state.billed_once,
        running=state.running,
        coupons=state.coupons,
        paused_from=event.paused_from,
    )


def _billed(state: LiveT, event: ChargesDue | BillingPeriodClosed, at: datetime) -> LiveT:
    once = {item.charge.key for item in event.items if item.charge.one_off}
    return replace(
        state,
        billed_once=state.billed_once | once,
        running=running_after(state.running, event.items, at),
        coupons=after_billing(state.coupons, state.terms, event),
    )


def _coupons_after(state: Live, event: CouponApplied | CouponRemoved) -> tuple[HeldCoupon, ...]:
    if isinstance(event, CouponApplied):
        return with_applied(state.coupons, event)
    return without(state.coupons, event.coupon_id)


def _without(state: LiveT, change_id: str | None) -> LiveT:
    return replace(state, scheduled=tuple(one for one in state.scheduled if one.change_id != change_id))
