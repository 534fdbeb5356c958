"""Subscriptions, with their plan version, their start and end, and the number of closed periods."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.subscriptions import (
    BillingPeriodClosed,
    SubscriptionCancelled,
    SubscriptionEnded,
    SubscriptionStarted,
)
from shared.framework.core.refusals import ImpossibleHistory

SubscriptionEvent = SubscriptionStarted | SubscriptionCancelled | BillingPeriodClosed | SubscriptionEnded


class SubscriptionStatus(StrEnum):
    """The state of a subscription; `cancelled` runs until its `endsAt`."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    ENDED = "ended"


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
    starts_at: datetime
    started_at: datetime
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    periods_closed: int = 0
    billed_until: datetime | None = None
    ends_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None


def fold(row: SubscriptionRow | None, event: SubscriptionEvent, _: DecodedEvent) -> SubscriptionRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, SubscriptionStarted():
            started = msgspec.structs.replace(event, starts_at=event.billed_from)
            return row_from(SubscriptionRow, started)
        case SubscriptionRow(), SubscriptionCancelled():
            return changed(
                row,
                status=SubscriptionStatus.CANCELLED,
                ends_at=event.ends_at,
                cancelled_at=event.cancelled_at,
            )
        case SubscriptionRow(), BillingPeriodClosed():
            return changed(row, periods_closed=row.periods_closed + 1, billed_until=event.period.end)
        case SubscriptionRow(), SubscriptionEnded():
            return changed(row, status=SubscriptionStatus.ENDED, ended_at=event.ended_at)
    raise ImpossibleHistory(row, event)


SUBSCRIPTIONS = ReadModel(
    name="subscriptions",
    version=3,
    row=SubscriptionRow,
    events=get_args(SubscriptionEvent),
    targets=single_row("subscription_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("customer_id", "status", "plan_id"),
    owner="customer_id",
    source=StreamSource,
)
