"""Subscriptions, with their plan version, their start and end, and the number of closed periods."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.coupons import CouponApplied, CouponRemoved
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    CancellationWithdrawn,
    ChangeScheduled,
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
    | ChangeScheduled
    | ScheduledChangeWithdrawn
    | CouponApplied
    | CouponRemoved
    | BillingPeriodClosed
    | SubscriptionEnded
)


class SubscriptionStatus(StrEnum):
    """The state of a subscription; `scheduled` starts in the future, `cancelled` runs until its `endsAt`."""

    SCHEDULED = "scheduled"
    TRIAL = "trial"
    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    ENDED = "ended"


class SubscriptionCoupon(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon of a subscription, also after it was removed; `periods` None: as long as it runs."""

    coupon_id: str
    code: str
    name: str
    periods: int | None
    applied_at: datetime
    removed_at: datetime | None = None


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`billed_until` ends the last closed period; `status_before` is that before a cancellation."""

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    currency: str
    interval: str
    time_zone: str
    anchor_at: datetime
    starts_at: datetime
    started_at: datetime
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    periods_closed: int = 0
    billed_until: datetime | None = None
    ends_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    trial_ends_at: datetime | None = None
    paused_from: datetime | None = None
    status_before: SubscriptionStatus = SubscriptionStatus.ACTIVE
    quantities: dict[str, Decimal] = msgspec.field(default_factory=dict)
    scheduled_changes: tuple[ScheduledChange, ...] = ()
    coupons: tuple[SubscriptionCoupon, ...] = ()


def fold(row: SubscriptionRow | None, event: SubscriptionEvent, _: DecodedEvent) -> SubscriptionRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, SubscriptionStarted():
            began = event.starts_at or event.anchor_at
            row = row_from(SubscriptionRow, changed(event, starts_at=began))
            return _now(row, SubscriptionStatus.SCHEDULED) if event.billed_from > event.started_at else row
        case SubscriptionRow(), BillingPeriodClosed():
            return changed(row, periods_closed=row.periods_closed + 1, billed_until=event.period.end)
        case SubscriptionRow(), (TrialStarted() | SubscriptionActivated() | SubscriptionPaused()):
            return _status_changed(row, event)
        case SubscriptionRow(), (SubscriptionResumed() | SubscriptionChanged() | SeatsChanged()):
            return _changed(row, event)
        case SubscriptionRow(), ChangeScheduled():
            changes = sorted((*row.scheduled_changes, event.change), key=lambda one: (one.at, one.change_id))
            return changed(row, scheduled_changes=tuple(changes))
        case SubscriptionRow(), ScheduledChangeWithdrawn():
            return _without(row, event.change_id)
        case SubscriptionRow(), (CouponApplied() | CouponRemoved()):
            return changed(row, coupons=_coupons_after(row, event))
        case SubscriptionRow(), SubscriptionCancelled():
            before = row.status_before if row.status is SubscriptionStatus.CANCELLED else row.status
            return changed(
                row,
                status=SubscriptionStatus.CANCELLED,
                status_before=before,
                ends_at=event.ends_at,
                cancelled_at=event.cancelled_at,
            )
        case SubscriptionRow(), CancellationWithdrawn():
            return changed(row, status=row.status_before, ends_at=None, cancelled_at=None)
        case SubscriptionRow(), SubscriptionEnded():
            return changed(row, status=SubscriptionStatus.ENDED, ended_at=event.ended_at)
    raise ImpossibleHistory(row, event)


def _now(row: SubscriptionRow, status: SubscriptionStatus) -> SubscriptionRow:
    """The row with a status, which a cancelled subscription has when the cancellation is withdrawn."""
    if row.status is SubscriptionStatus.CANCELLED:
        return msgspec.structs.replace(row, status_before=status)
    return msgspec.structs.replace(row, status=status, status_before=status)


def _status_changed(
    row: SubscriptionRow, event: TrialStarted | SubscriptionActivated | SubscriptionPaused
) -> SubscriptionRow:
    match event:
        case TrialStarted():
            return _now(row, SubscriptionStatus.TRIAL)
        case SubscriptionActivated():
            return _now(row, SubscriptionStatus.ACTIVE)
        case SubscriptionPaused():
            paused = msgspec.structs.replace(_without(row, event.change_id), paused_from=event.paused_from)
            return _now(paused, SubscriptionStatus.PAUSED)


def _changed(
    row: SubscriptionRow, event: SubscriptionResumed | SubscriptionChanged | SeatsChanged
) -> SubscriptionRow:
    rest, changed = _without(row, event.change_id), msgspec.structs.replace
    match event:
        case SubscriptionResumed():
            return _now(changed(rest, paused_from=None), SubscriptionStatus.ACTIVE)
        case SeatsChanged():
            return changed(rest, quantities={**rest.quantities, event.charge_key: event.quantity})
        case SubscriptionChanged():
            return changed(
                rest,
                plan_id=event.plan_id,
                plan_version=event.plan_version,
                interval=event.interval,
                anchor_at=event.anchor_at,
                quantities=event.quantities,
            )


def _coupons_after(
    row: SubscriptionRow, event: CouponApplied | CouponRemoved
) -> tuple[SubscriptionCoupon, ...]:
    if isinstance(event, CouponApplied):
        new = SubscriptionCoupon(
            coupon_id=event.coupon_id,
            code=event.code,
            name=event.discount.name,
            periods=event.periods,
            applied_at=event.applied_at,
        )
        return (*row.coupons, new)
    return tuple(
        msgspec.structs.replace(one, removed_at=event.removed_at)
        if one.coupon_id == event.coupon_id and one.removed_at is None
        else one
        for one in row.coupons
    )


def _without(row: SubscriptionRow, change_id: str | None) -> SubscriptionRow:
    changes = tuple(one for one in row.scheduled_changes if one.change_id != change_id)
    return msgspec.structs.replace(row, scheduled_changes=changes)


SUBSCRIPTIONS = ReadModel(
    name="subscriptions",
    version=4,
    row=SubscriptionRow,
    events=get_args(SubscriptionEvent),
    targets=single_row("subscription_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("customer_id", "status", "plan_id"),
    owner="customer_id",
    source=StreamSource,
)
