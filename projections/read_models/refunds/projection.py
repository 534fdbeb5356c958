"""Refunds: money that is to go back, and whether it has."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, single_row
from shared.billing.contracts.payments.refunds import RefundIssued, RefundRequested
from shared.billing.money import Money


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: requested or issued. Its two facts may be heard in either order."""

    refund_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    status: str
    reason: str | None = None
    gateway_reference: str | None = None
    requested_at: datetime | None = None
    issued_at: datetime | None = None


def fold(row: RefundRow | None, event: RefundRequested | RefundIssued, _: DecodedEvent) -> RefundRow:
    """Each fact fills in what it knows; once issued, it stays issued."""
    known = row or _begun(event)
    match event:
        case RefundRequested():
            return msgspec.structs.replace(known, reason=event.reason, requested_at=event.requested_at)
        case RefundIssued():
            return msgspec.structs.replace(
                known,
                status="issued",
                gateway_reference=event.gateway_reference,
                issued_at=event.issued_at,
            )


def _begun(event: RefundRequested | RefundIssued) -> RefundRow:
    return RefundRow(
        refund_id=event.refund_id,
        payment_id=event.payment_id,
        invoice_id=event.invoice_id,
        customer_id=event.customer_id,
        amount=event.amount,
        status="requested",
    )


def _first_moment(row: RefundRow) -> datetime:
    moments = [moment for moment in (row.requested_at, row.issued_at) if moment is not None]
    return min(moments)


REFUNDS = ReadModel(
    name="refunds",
    version=1,
    row=RefundRow,
    events=(RefundRequested, RefundIssued),
    targets=single_row("refund_id"),
    fold=fold,
    sorted_by=_first_moment,
    filters=("payment_id", "invoice_id", "customer_id", "status"),
    owner="customer_id",
)
