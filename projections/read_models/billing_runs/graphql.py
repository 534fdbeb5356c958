"""GraphQL type of billing runs, and root fields."""

from datetime import datetime

import strawberry

from projections.graphql.fields import list_field, parent_field, row_field
from projections.graphql.row_types import Period, of_row, words
from projections.read_models.billing_runs.projection import BILLING_RUNS, BillingRunStatus
from projections.read_models.invoices.projection import INVOICES

words(BillingRunStatus)


@of_row(BILLING_RUNS)
class BillingRun:
    """The billing of one closed period: it ends with an invoice, or with the reason why there is none."""

    id: strawberry.ID
    status: BillingRunStatus
    period: Period
    invoice_id: strawberry.ID
    subscription_id: strawberry.ID
    customer_id: strawberry.ID
    attempt: int = strawberry.field(description="Counts the readings of the period's usage.")
    failure_code: str | None
    failure_reason: str | None
    started_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    invoice = parent_field("Invoice", INVOICES, "invoice_id")


@strawberry.type
class BillingRunQueries:
    """Root fields."""

    billing_run = row_field(BillingRun)
    billing_runs = list_field(
        BillingRun, "In order of their start.", filters=["status", "customer_id", "subscription_id"]
    )
