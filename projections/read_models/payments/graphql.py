"""Payments as frontends see them."""

from datetime import datetime
from typing import Any

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.connections import PAGE_MAX, Connection, connection
from projections.graphql.context import Info, ParentType
from projections.graphql.scalars import AsOf, From, Money, To, money_type
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.projection import PAYMENTS, PaymentRow
from projections.read_models.refunds.graphql import Refund, shown_refund
from projections.read_models.refunds.projection import REFUNDS

INVOICE = ParentType("invoices", "Invoice")


@strawberry.type(description="One attempt to take money.")
class Payment:
    """See PaymentRow."""

    id: strawberry.ID
    invoice_id: strawberry.ID
    customer_id: strawberry.ID
    attempt: int
    status: str = strawberry.field(description="requested, submitted, unknown, succeeded or failed")
    amount: Money
    gateway: str
    gateway_reference: str | None
    decline_code: str | None
    hard: bool = strawberry.field(description="Declined for good: asking again will not help.")
    requested_at: datetime
    settled_at: datetime | None
    updated_at: datetime

    @strawberry.field(graphql_type=INVOICE.type)
    async def invoice(self, info: Info) -> Any:
        """What it pays."""
        stored = await info.context.one(INVOICES, str(self.invoice_id), linked=True)
        return INVOICE.shown(stored)

    @strawberry.field(description="What of it went back.")
    async def refunds(self, info: Info) -> list[Refund]:
        """Refunds are few: they come whole."""
        query = info.context.query(limit=PAGE_MAX)
        rows = await info.context.children(REFUNDS, "payment_id", str(self.id), query)
        return [shown_refund(row) for row in rows]


def shown_payment(stored: StoredRow[PaymentRow]) -> Payment:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Payment(
        id=strawberry.ID(row.payment_id),
        invoice_id=strawberry.ID(row.invoice_id),
        customer_id=strawberry.ID(row.customer_id),
        attempt=row.attempt,
        status=row.status,
        amount=money_type(row.amount),
        gateway=row.gateway,
        gateway_reference=row.gateway_reference,
        decline_code=row.decline_code,
        hard=row.hard,
        requested_at=row.requested_at,
        settled_at=row.settled_at,
        updated_at=stored.updated_at,
    )


@strawberry.type
class PaymentQueries:
    """What may be asked about payments."""

    @strawberry.field
    async def payment(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Payment | None:  # noqa: A002
        """A payment by id."""
        stored = await info.context.one(PAYMENTS, str(id), as_of)
        return shown_payment(stored) if stored else None

    @strawberry.field(description="In the order in which they were requested.")
    async def payments(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        customer_id: str | None = None,
        status: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[Payment]:
        """Payments of the tenant."""
        return await connection(
            info.context,
            PAYMENTS,
            shown_payment,
            first=first,
            after=after,
            since=since,
            until=until,
            customer_id=customer_id,
            status=status,
        )
