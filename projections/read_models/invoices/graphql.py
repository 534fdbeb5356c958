"""Invoices as frontends see them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.connections import PAGE_MAX, Connection, connection
from projections.graphql.context import Info, ParentType
from projections.graphql.scalars import (
    AsOf,
    From,
    Money,
    Period,
    To,
    money_type,
    period_type,
    shown_money_or_none,
    without_exponent,
)
from projections.read_models.collections.graphql import Collection, shown_collection
from projections.read_models.collections.projection import COLLECTIONS
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoices.projection import INVOICES, InvoiceRow
from projections.read_models.payments.graphql import Payment, shown_payment
from projections.read_models.payments.projection import PAYMENTS
from shared.billing.contracts.invoicing.invoices import InvoiceLine, TaxAmount
from shared.billing.pricing import RatingStep

CUSTOMER = ParentType("customers", "Customer")


@strawberry.type(name="InvoiceStep", description="quantity x unitPrice and any fee, exact, in major units.")
class InvoiceStepType:
    """See Step."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@strawberry.type(name="InvoiceLine", description="One charge: the exact sum of its steps, rounded once.")
class InvoiceLineType:
    """See InvoiceLine."""

    id: strawberry.ID
    charge_key: str | None
    meter_key: str | None
    description: str
    quantity: Decimal
    amount: Money
    period: Period | None
    steps: list[InvoiceStepType]


@strawberry.type(name="InvoiceTax", description="base x rate, rounded once per rate.")
class InvoiceTaxType:
    """See TaxAmount."""

    name: str
    rate: Decimal
    base: Money
    amount: Money


@strawberry.type(description="A bill: a draft, then a legal document with a number that is never edited.")
class Invoice:
    """See InvoiceRow."""

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

    @strawberry.field(graphql_type=CUSTOMER.type)
    async def customer(self, info: Info) -> Any:
        """Who is billed."""
        stored = await info.context.one(CUSTOMERS, str(self.customer_id), linked=True)
        return CUSTOMER.shown(stored)

    @strawberry.field(description="Every attempt to collect it, oldest first.")
    async def payments(self, info: Info) -> list[Payment]:
        """Attempts are few: they come whole."""
        query = info.context.query(limit=PAGE_MAX)
        rows = await info.context.children(PAYMENTS, "invoice_id", str(self.id), query)
        return [shown_payment(row) for row in rows]

    @strawberry.field(description="How its money is being collected; null when nothing was due.")
    async def collection(self, info: Info) -> Collection | None:
        """There is one at most."""
        query = info.context.query(limit=1)
        rows = await info.context.children(COLLECTIONS, "invoice_id", str(self.id), query)
        return shown_collection(rows[0]) if rows else None


def shown_invoice(stored: StoredRow[InvoiceRow]) -> Invoice:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Invoice(
        id=strawberry.ID(row.invoice_id),
        customer_id=strawberry.ID(row.customer_id),
        subscription_id=strawberry.ID(row.subscription_id) if row.subscription_id else None,
        status=row.status,
        number=row.number,
        currency=row.currency,
        period=period_type(row.period),
        lines=[_shown_line(line) for line in row.lines],
        taxes=[_shown_tax(tax) for tax in row.taxes],
        subtotal=shown_money_or_none(row.subtotal),
        tax=shown_money_or_none(row.tax),
        total=shown_money_or_none(row.total),
        amount_due=shown_money_or_none(row.amount_due),
        payment_id=strawberry.ID(row.payment_id) if row.payment_id else None,
        void_reason=row.void_reason,
        drafted_at=row.drafted_at,
        finalized_at=row.finalized_at,
        paid_at=row.paid_at,
        voided_at=row.voided_at,
        updated_at=stored.updated_at,
    )


def _shown_line(line: InvoiceLine) -> InvoiceLineType:
    return InvoiceLineType(
        id=strawberry.ID(line.line_id),
        charge_key=line.charge_key,
        meter_key=line.meter_key,
        description=line.description,
        quantity=without_exponent(line.quantity),
        amount=money_type(line.amount),
        period=period_type(line.period),
        steps=[_shown_step(step) for step in line.steps],
    )


def _shown_step(step: RatingStep) -> InvoiceStepType:
    return InvoiceStepType(
        description=step.description,
        quantity=without_exponent(step.quantity),
        unit_price=without_exponent(step.unit_price),
        amount=without_exponent(step.amount),
    )


def _shown_tax(tax: TaxAmount) -> InvoiceTaxType:
    return InvoiceTaxType(
        name=tax.name,
        rate=without_exponent(tax.rate),
        base=money_type(tax.base),
        amount=money_type(tax.amount),
    )


@strawberry.type
class InvoiceQueries:
    """What may be asked about invoices."""

    @strawberry.field
    async def invoice(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Invoice | None:  # noqa: A002
        """An invoice by id."""
        stored = await info.context.one(INVOICES, str(id), as_of)
        return shown_invoice(stored) if stored else None

    @strawberry.field(description="In the order in which they were drafted.")
    async def invoices(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        customer_id: str | None = None,
        subscription_id: str | None = None,
        status: str | None = None,
        number: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[Invoice]:
        """Invoices of the tenant."""
        return await connection(
            info.context,
            INVOICES,
            shown_invoice,
            first=first,
            after=after,
            since=since,
            until=until,
            customer_id=customer_id,
            subscription_id=subscription_id,
            status=status,
            number=number,
        )
