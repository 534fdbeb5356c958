"""GraphQL type of invoices with their lines and taxes, and root fields."""

from datetime import datetime
from decimal import Decimal

import strawberry

from projections.graphql.fields import child_field, children_field, list_field, parent_field, row_field
from projections.graphql.row_types import Money, Period, of_row, words
from projections.read_models.collections.graphql import Collection
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoice_lines.graphql import InvoiceLine, all_lines
from projections.read_models.invoices.projection import INVOICES, InvoiceStatus
from projections.read_models.payments.graphql import Payment
from shared.billing.contracts.invoicing.invoices import InvoiceDiscount, TaxAmount


@of_row(TaxAmount, name="InvoiceTax")
class InvoiceTaxType:
    """base x rate, rounded once per rate."""

    name: str
    rate: Decimal
    base: Money
    amount: Money


@of_row(InvoiceDiscount, name="InvoiceDiscount")
class InvoiceDiscountType:
    """A discount, as the sum of its parts on the lines; tax is on what is left (billing rule 6)."""

    discount_id: strawberry.ID
    name: str
    percent: Decimal | None = strawberry.field(description="Null: a fixed amount.")
    amount: Money


words(InvoiceStatus)


@of_row(INVOICES)
class Invoice:
    """An invoice: a draft, then a numbered document that never changes."""

    id: strawberry.ID
    customer_id: strawberry.ID
    subscription_id: strawberry.ID | None
    status: InvoiceStatus
    number: str | None
    currency: str
    period: Period | None
    line_count: int
    discounts: list[InvoiceDiscountType]
    taxes: list[InvoiceTaxType]
    subtotal: Money | None
    discount: Money | None = strawberry.field(description="The sum of the discounts.")
    tax: Money | None
    total: Money | None
    amount_due: Money | None
    credit_applied: Money | None = strawberry.field(
        description="Credit of the customer that paid a part of the total."
    )
    payment_id: strawberry.ID | None
    void_reason: str | None
    drafted_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    updated_at: datetime
    lines = all_lines
    line_pages = list_field(InvoiceLine, "Its lines, page by page.", of="rating_id")
    customer = parent_field("Customer", CUSTOMERS, "customer_id")
    payments = children_field(Payment, "invoice_id", "Payment attempts of this invoice, oldest first.")
    collection = child_field(Collection, "invoice_id", "Its collection; null when nothing was due.")


@strawberry.type
class InvoiceQueries:
    """Root fields."""

    invoice = row_field(Invoice)
    invoices = list_field(
        Invoice,
        "In order of drafting.",
        filters=["customer_id", "subscription_id", "status", "number"],
        timed=True,
    )
