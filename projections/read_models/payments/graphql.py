"""GraphQL type of payments, and root fields."""

from datetime import datetime

import strawberry

from projections.graphql.fields import children_field, list_field, parent_field, row_field
from projections.graphql.row_types import Money, of_row, words
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.projection import PAYMENTS, PaymentStatus
from projections.read_models.refunds.graphql import Refund

words(PaymentStatus)


@of_row(PAYMENTS)
class Payment:
    """One attempt to collect an invoice through a gateway."""

    id: strawberry.ID
    invoice_id: strawberry.ID
    customer_id: strawberry.ID
    attempt: int
    status: PaymentStatus
    amount: Money
    gateway: str
    gateway_reference: str | None
    decline_code: str | None
    hard: bool = strawberry.field(description="Declined permanently: a retry cannot succeed.")
    requested_at: datetime
    settled_at: datetime | None
    updated_at: datetime
    invoice = parent_field("Invoice", INVOICES, "invoice_id")
    refunds = children_field(Refund, "payment_id", "Refunds of this payment.")


@strawberry.type
class PaymentQueries:
    """Root fields."""

    payment = row_field(Payment)
    payments = list_field(Payment, "In order of request.", filters=["customer_id", "status"], timed=True)
