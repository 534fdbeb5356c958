"""Invoices from draft to paid or void; their lines are rows of their own (invoice_lines)."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
    TaxAmount,
)
from shared.billing.money import Money
from shared.billing.period import Period
from shared.framework.core.refusals import ImpossibleHistory

InvoiceEvent = InvoiceDrafted | InvoiceLinesRated | InvoiceFinalized | InvoicePaid | InvoiceVoided

_FINAL = (
    "number",
    "discounts",
    "discount",
    "taxes",
    "subtotal",
    "tax",
    "total",
    "amount_due",
    "credit_applied",
    "finalized_at",
)
"""Fields that a draft gets when it is finalized; the event has the same names."""


class InvoiceStatus(StrEnum):
    """The state of an invoice."""

    DRAFT = "draft"
    FINALIZED = "finalized"
    PAID = "paid"
    VOID = "void"


class InvoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: draft, finalized, paid or void. A draft has neither number nor amounts.

    `rating_id` identifies its lines: those of the newest InvoiceLinesRated, which finalizing never changes.
    """

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    currency: str
    period: Period | None
    drafted_at: datetime
    status: InvoiceStatus = InvoiceStatus.DRAFT
    number: str | None = None
    rating_id: str | None = None
    line_count: int = 0
    discounts: tuple[InvoiceDiscount, ...] = ()
    taxes: tuple[TaxAmount, ...] = ()
    subtotal: Money | None = None
    discount: Money | None = None
    tax: Money | None = None
    total: Money | None = None
    amount_due: Money | None = None
    credit_applied: Money | None = None
    reading_id: str | None = None
    payment_id: str | None = None
    void_reason: str | None = None
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None


def rating_id(decoded: DecodedEvent) -> str:
    """Identifies the lines of one InvoiceLinesRated; an invoice that is rated again has other lines."""
    return f"{decoded.stream_id}:{decoded.position}"


def fold(row: InvoiceRow | None, event: InvoiceEvent, decoded: DecodedEvent) -> InvoiceRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, InvoiceDrafted():
            return row_from(InvoiceRow, event)
        case InvoiceRow(), InvoiceLinesRated():
            lines = {"rating_id": rating_id(decoded), "line_count": len(event.lines)}
            return changed(row, reading_id=event.reading_id, discounts=event.discounts, **lines)
        case InvoiceRow(), InvoiceFinalized():
            return changed(
                row, status=InvoiceStatus.FINALIZED, **{name: getattr(event, name) for name in _FINAL}
            )
        case InvoiceRow(), InvoicePaid():
            return changed(row, status=InvoiceStatus.PAID, payment_id=event.payment_id, paid_at=event.paid_at)
        case InvoiceRow(), InvoiceVoided():
            return changed(
                row, status=InvoiceStatus.VOID, void_reason=event.reason, voided_at=event.voided_at
            )
    raise ImpossibleHistory(row, event)


INVOICES = ReadModel(
    name="invoices",
    version=3,
    row=InvoiceRow,
    events=get_args(InvoiceEvent),
    targets=single_row("invoice_id"),
    fold=fold,
    sorted_by=lambda row: row.drafted_at,
    filters=("customer_id", "status", "subscription_id", "number"),
    owner="customer_id",
    source=StreamSource,
)
