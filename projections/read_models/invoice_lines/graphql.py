"""GraphQL type of invoice lines, reached through their invoice."""

from decimal import Decimal

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.connections import PAGE_MAX
from projections.graphql.fields import Info
from projections.graphql.row_types import Money, Period, attribute, of_row
from projections.read_models.invoice_lines.projection import INVOICE_LINES, InvoiceLineRow
from projections.read_models.invoices.projection import InvoiceRow
from projections.refusals import LinesNeedPages
from shared.billing.contracts.invoicing.invoices import LineDiscount
from shared.billing.pricing import RatingStep


@of_row(RatingStep, name="InvoiceStep")
class InvoiceStepType:
    """quantity x unitPrice + fee = amount, exact, in major units."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    fee: Decimal
    amount: Decimal


@of_row(LineDiscount, name="InvoiceLineDiscount")
class LineDiscountType:
    """The part of an invoice's discount that reduces a line."""

    discount_id: strawberry.ID
    amount: Money


@of_row(INVOICE_LINES)
class InvoiceLine:
    """One charge: the exact sum of its steps, rounded once; `amount` is before the discounts."""

    id: strawberry.ID = attribute("line_id")
    charge_key: str | None
    meter_key: str | None
    description: str
    quantity: Decimal
    amount: Money
    period: Period | None
    steps: list[InvoiceStepType]
    discounts: list[LineDiscountType]
    sentence: str | None = strawberry.field(description="The price of the charge in plain words.")


async def _all_lines(root: StoredRow[InvoiceRow], info: Info) -> list[StoredRow[InvoiceLineRow]]:
    """The lines. Raises LinesNeedPages if there are more than PAGE_MAX."""
    if root.row.rating_id is None or root.row.line_count == 0:
        return []
    if root.row.line_count > PAGE_MAX:
        raise LinesNeedPages(f"It has {root.row.line_count}.")
    query = info.context.query(limit=PAGE_MAX)
    rows = await info.context.children(INVOICE_LINES, "rating_id", root.row.rating_id, query)
    await info.context.turn(len(rows))
    return list(rows)


all_lines = strawberry.field(
    resolver=_all_lines,
    graphql_type=list[InvoiceLine] | None,
    description="Its lines, if it has at most 100; else null, with the error lines-need-pages.",
)
