"""The invoices that count in commitments, one row for each; a row is gone once its invoice is voided."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, row_from
from shared.billing.contracts.invoicing.commitments import (
    CommitmentInvoiceCounted,
    CommitmentInvoiceReleased,
)
from shared.billing.money import Money


class CommitmentInvoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """The amounts of an invoice in a commitment, as in CommitmentInvoiceCounted."""

    commitment_id: str
    customer_id: str
    invoice_id: str
    subscription_id: str
    charged: Money
    usage: Money
    discount: Money
    drawn: Money
    overage: Money
    counted_at: datetime


def targets(decoded: DecodedEvent) -> Iterable[tuple[str, Any]]:
    """The row of the event's invoice in the event's commitment."""
    event: Any = decoded.event
    return [(f"{event.commitment_id}:{event.invoice_id}", event)]


def fold(
    _: CommitmentInvoiceRow | None,
    event: CommitmentInvoiceCounted | CommitmentInvoiceReleased,
    __: DecodedEvent,
) -> CommitmentInvoiceRow | None:
    """The row after an event."""
    return row_from(CommitmentInvoiceRow, event) if isinstance(event, CommitmentInvoiceCounted) else None


COMMITMENT_INVOICES: ReadModel[CommitmentInvoiceRow, Any] = ReadModel(
    name="commitment_invoices",
    version=1,
    row=CommitmentInvoiceRow,
    events=(CommitmentInvoiceCounted, CommitmentInvoiceReleased),
    targets=targets,
    fold=fold,
    sorted_by=lambda row: row.counted_at,
    filters=("commitment_id", "customer_id"),
    owner="customer_id",
)
