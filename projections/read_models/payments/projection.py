"""Payments, one row for each attempt to take money, with its outcome."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.payments.payments import (
    PaymentFailed,
    PaymentRequested,
    PaymentSubmitted,
    PaymentSucceeded,
    PaymentUnknown,
)
from shared.billing.money import Money
from shared.framework.core.refusals import ImpossibleHistory

PaymentEvent = PaymentRequested | PaymentSubmitted | PaymentSucceeded | PaymentFailed | PaymentUnknown


class PaymentStatus(StrEnum):
    """The state of a payment; `succeeded` and `failed` are final."""

    REQUESTED = "requested"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: requested, submitted, unknown, succeeded or failed; the last two are final."""

    payment_id: str
    collection_id: str
    invoice_id: str
    customer_id: str
    attempt: int
    amount: Money
    gateway: str
    requested_at: datetime
    status: PaymentStatus = PaymentStatus.REQUESTED
    gateway_reference: str | None = None
    decline_code: str | None = None
    hard: bool = False
    unknown_cause: str | None = None
    settled_at: datetime | None = None


def fold(row: PaymentRow | None, event: PaymentEvent, _: DecodedEvent) -> PaymentRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, PaymentRequested():
            return row_from(PaymentRow, event)
        case PaymentRow(), PaymentSubmitted():
            return changed(row, status=PaymentStatus.SUBMITTED)
        case PaymentRow(), PaymentUnknown():
            return changed(row, status=PaymentStatus.UNKNOWN, unknown_cause=event.cause)
        case PaymentRow(), PaymentSucceeded():
            reference, settled_at = event.gateway_reference, event.succeeded_at
            return changed(
                row, status=PaymentStatus.SUCCEEDED, gateway_reference=reference, settled_at=settled_at
            )
        case PaymentRow(), PaymentFailed():
            declined = {"decline_code": event.decline_code, "hard": event.hard}
            return changed(row, status=PaymentStatus.FAILED, settled_at=event.failed_at, **declined)
    raise ImpossibleHistory(row, event)


PAYMENTS = ReadModel(
    name="payments",
    version=2,
    row=PaymentRow,
    events=get_args(PaymentEvent),
    targets=single_row("payment_id"),
    fold=fold,
    sorted_by=lambda row: row.requested_at,
    filters=("invoice_id", "customer_id", "status"),
    owner="customer_id",
    source=StreamSource,
)
