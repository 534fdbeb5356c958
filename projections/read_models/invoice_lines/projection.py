"""Lines of invoices, one row each: an invoice may have 40,000, and most readers of invoices want none."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from projections.engine.read_model import DecodedEvent, ReadModel
from projections.read_models.invoices.projection import rating_id
from shared.billing.contracts.invoicing.invoices import InvoiceLine, InvoiceLinesRated


class InvoiceLineRow(InvoiceLine, frozen=True, kw_only=True):
    """A line with what identifies its event, and the moment of that event; the row never changes."""

    rating_id: str
    rated_at: datetime


def parts(decoded: DecodedEvent) -> Iterable[tuple[str, InvoiceLine]]:
    """One row for each line of the event; the ids are in the order of the lines."""
    event: Any = decoded.event
    rating = rating_id(decoded)
    return ((f"{rating}:{number:06}", line) for number, line in enumerate(event.lines, start=1))


def fold(_: InvoiceLineRow | None, line: InvoiceLine, decoded: DecodedEvent) -> InvoiceLineRow:
    """The row of a line."""
    event: Any = decoded.event
    values = {name: getattr(line, name) for name in InvoiceLine.__struct_fields__}
    return InvoiceLineRow(rating_id=rating_id(decoded), rated_at=event.rated_at, **values)


INVOICE_LINES: ReadModel[InvoiceLineRow, InvoiceLine] = ReadModel(
    name="invoice_lines",
    version=2,
    row=InvoiceLineRow,
    events=(InvoiceLinesRated,),
    targets=parts,
    fold=fold,
    sorted_by=lambda row: row.rated_at,
    filters=("rating_id",),
)
