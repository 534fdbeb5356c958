"""Refunds, one row each, from request to issue."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, row_from, single_row
from shared.billing.contracts.payments.refunds import RefundIssued, RefundRequested
from shared.billing.money import Money

RefundEvent = RefundRequested | RefundIssued


class RefundStatus(StrEnum):
    """The state of a refund."""

    REQUESTED = "requested"
    ISSUED = "issued"


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: requested or issued. The events come from two streams, in either order."""

    refund_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    status: RefundStatus = RefundStatus.REQUESTED
    reason: str | None = None
    gateway_reference: str | None = None
    requested_at: datetime | None = None
    issued_at: datetime | None = None


def fold(row: RefundRow | None, event: RefundEvent, _: DecodedEvent) -> RefundRow:
    """The row after an event; an issued refund stays issued when its request comes later."""
    changed, known = msgspec.structs.replace, row or row_from(RefundRow, event)
    match event:
        case RefundRequested():
            return changed(known, reason=event.reason, requested_at=event.requested_at)
        case RefundIssued():
            reference, issued_at = event.gateway_reference, event.issued_at
            return changed(
                known, status=RefundStatus.ISSUED, gateway_reference=reference, issued_at=issued_at
            )


def _first_time(row: RefundRow) -> datetime:
    return min(time for time in (row.requested_at, row.issued_at) if time is not None)


REFUNDS = ReadModel(
    name="refunds",
    version=2,
    row=RefundRow,
    events=get_args(RefundEvent),
    targets=single_row("refund_id"),
    fold=fold,
    sorted_by=_first_time,
    filters=("payment_id", "invoice_id", "customer_id", "status"),
    owner="customer_id",
)
