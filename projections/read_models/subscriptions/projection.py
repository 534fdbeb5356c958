"""Subscriptions: which plan version, since when, and how many periods have been closed."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, own_stream, single_row
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionStarted,
)
from shared.framework.core.refusals import ImpossibleHistory

SubscriptionEvent = SubscriptionStarted | SubscriptionCancelled | BillingPeriodClosed | SubscriptionEnded


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: active; cancelled (until `ends_at`); ended. `billed_until` ends the last closed period."""

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    currency: str
    interval: str
    time_zone: str
    anchor_at: datetime
    started_at: datetime
    status: str = "active"
    periods_closed: int = 0
    billed_until: datetime | None = None
    ends_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None


def fold(row: SubscriptionRow | None, event: SubscriptionEvent, _: DecodedEvent) -> SubscriptionRow:
    """What is true of it after this."""
    changed = msgspec.structs.replace
    match row, event:
        case None, SubscriptionStarted():
            return _started(event)
        case SubscriptionRow(), SubscriptionCancelled():
            return changed(row, status="cancelled", ends_at=event.ends_at, cancelled_at=event.cancelled_at)
        case SubscriptionRow(), BillingPeriodClosed():
            return changed(row, periods_closed=row.periods_closed + 1, billed_until=event.period.end)
        case SubscriptionRow(), SubscriptionEnded():
            return changed(row, status="ended", ended_at=event.ended_at)
    raise ImpossibleHistory(row, event)


def _started(event: SubscriptionStarted) -> SubscriptionRow:
    return SubscriptionRow(
        subscription_id=event.subscription_id,
        customer_id=event.customer_id,
        subject=event.subject,
        plan_id=event.plan_id,
        plan_version=event.plan_version,
        currency=event.currency,
        interval=event.interval,
        time_zone=event.time_zone,
        anchor_at=event.anchor_at,
        started_at=event.started_at,
    )


SUBSCRIPTIONS = ReadModel(
    name="subscriptions",
    version=1,
    row=SubscriptionRow,
    events=(SubscriptionStarted, SubscriptionCancelled, BillingPeriodClosed, SubscriptionEnded),
    targets=single_row("subscription_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("customer_id", "status", "plan_id"),
    owner="customer_id",
    source=own_stream,
)
