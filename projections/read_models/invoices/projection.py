"""Invoices with their lines and steps, from draft to paid or void."""

from datetime import datetime
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
    TaxAmount,
)
from shared.billing.money import Money
from shared.billing.period import Period
from shared.framework.core.refusals import ImpossibleHistory

InvoiceEvent = InvoiceDrafted | InvoiceLinesRated | InvoiceFinalized | InvoicePaid | InvoiceVoided

_FINAL = ("number", "lines", "taxes", "subtotal", "tax", "total", "amount_due", "finalized_at")
"""Fields that a draft gets when it is finalized; the event has the same names."""


class InvoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: draft, finalized, paid or void. A draft has neither number nor amounts."""

    invoice_id: str
    customer_id: str
    subscription_id: str | None
    currency: str
    period: Period | None
    drafted_at: datetime
    status: str = "draft"
    number: str | None = None
    lines: tuple[InvoiceLine, ...] = ()
    taxes: tuple[TaxAmount, ...] = ()
    subtotal: Money | None = None
    tax: Money | None = None
    total: Money | None = None
    amount_due: Money | None = None
    reading_id: str | None = None
    payment_id: str | None = None
    void_reason: str | None = None
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None


def fold(row: InvoiceRow | None, event: InvoiceEvent, _: DecodedEvent) -> InvoiceRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, InvoiceDrafted():
            return row_from(InvoiceRow, event)
        case InvoiceRow(), InvoiceLinesRated():
            return changed(row, lines=event.lines, reading_id=event.reading_id)
        case InvoiceRow(), InvoiceFinalized():
            return changed(row, status="finalized", **{name: getattr(event, name) for name in _FINAL})
        case InvoiceRow(), InvoicePaid():
            return changed(row, status="paid", payment_id=event.payment_id, paid_at=event.paid_at)
        case InvoiceRow(), InvoiceVoided():
            return changed(row, status="void", void_reason=event.reason, voided_at=event.voided_at)
    raise ImpossibleHistory(row, event)


INVOICES = ReadModel(
    name="invoices",
    version=2,
    row=InvoiceRow,
    events=get_args(InvoiceEvent),
    targets=single_row("invoice_id"),
    fold=fold,
    sorted_by=lambda row: row.drafted_at,
    filters=("customer_id", "status", "subscription_id", "number"),
    owner="customer_id",
    source=StreamSource,
)
