"""Payments: every attempt to take money, and how it ended."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, own_stream, single_row
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
    status: str = "requested"
    gateway_reference: str | None = None
    decline_code: str | None = None
    hard: bool = False
    unknown_cause: str | None = None
    settled_at: datetime | None = None


def fold(row: PaymentRow | None, event: PaymentEvent, _: DecodedEvent) -> PaymentRow:
    """What is true of it after this."""
    changed = msgspec.structs.replace
    match row, event:
        case None, PaymentRequested():
            return _requested(event)
        case PaymentRow(), PaymentSubmitted():
            return changed(row, status="submitted")
        case PaymentRow(), PaymentUnknown():
            return changed(row, status="unknown", unknown_cause=event.cause)
        case PaymentRow(), PaymentSucceeded():
            return changed(
                row,
                status="succeeded",
                gateway_reference=event.gateway_reference,
                settled_at=event.succeeded_at,
            )
        case PaymentRow(), PaymentFailed():
            return changed(
                row,
                status="failed",
                decline_code=event.decline_code,
                hard=event.hard,
                settled_at=event.failed_at,
            )
    raise ImpossibleHistory(row, event)


def _requested(event: PaymentRequested) -> PaymentRow:
    return PaymentRow(
        payment_id=event.payment_id,
        collection_id=event.collection_id,
        invoice_id=event.invoice_id,
        customer_id=event.customer_id,
        attempt=event.attempt,
        amount=event.amount,
        gateway=event.gateway,
        requested_at=event.requested_at,
    )


PAYMENTS = ReadModel(
    name="payments",
    version=1,
    row=PaymentRow,
    events=(PaymentRequested, PaymentSubmitted, PaymentUnknown, PaymentSucceeded, PaymentFailed),
    targets=single_row("payment_id"),
    fold=fold,
    sorted_by=lambda row: row.requested_at,
    filters=("invoice_id", "customer_id", "status"),
    owner="customer_id",
    source=own_stream,
)
