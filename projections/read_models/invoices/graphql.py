"""GraphQL type of invoices with their lines and taxes, and root fields."""

from datetime import datetime
from decimal import Decimal

import strawberry

from projections.graphql.fields import child_field, children_field, list_field, parent_field, row_field
from projections.graphql.row_types import Money, Period, attribute, of_row
from projections.read_models.collections.graphql import Collection
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.graphql import Payment
from shared.billing.contracts.invoicing.invoices import InvoiceLine, TaxAmount
from shared.billing.pricing import RatingStep


@of_row(RatingStep, name="InvoiceStep")
class InvoiceStepType:
    """quantity x unitPrice plus any fee, exact, in major units."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@of_row(InvoiceLine, name="InvoiceLine")
class InvoiceLineType:
    """One charge: the exact sum of its steps, rounded once."""

    id: strawberry.ID = attribute("line_id")
    charge_key: str | None
    meter_key: str | None
    description: str
    quantity: Decimal
    amount: Money
    period: Period | None
    steps: list[InvoiceStepType]


@of_row(TaxAmount, name="InvoiceTax")
class InvoiceTaxType:
    """base x rate, rounded once per rate."""

    name: str
    rate: Decimal
    base: Money
    amount: Money


@of_row(INVOICES)
class Invoice:
    """An invoice: a draft, then a numbered document that never changes."""

    id: strawberry.ID
    customer_id: strawberry.ID
    subscription_id: strawberry.ID | None
    status: str = strawberry.field(description="draft, finalized, paid or void")
    number: str | None
    currency: str
    period: Period | None
    lines: list[InvoiceLineType]
    taxes: list[InvoiceTaxType]
    subtotal: Money | None
    tax: Money | None
    total: Money | None
    amount_due: Money | None
    payment_id: strawberry.ID | None
    void_reason: str | None
    drafted_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    updated_at: datetime
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
