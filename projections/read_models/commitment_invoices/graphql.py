"""GraphQL type of the invoices that count in a commitment, reached through it."""

from datetime import datetime

import strawberry

from projections.graphql.fields import parent_field
from projections.graphql.row_types import Money, of_row
from projections.read_models.commitment_invoices.projection import COMMITMENT_INVOICES
from projections.read_models.invoices.projection import INVOICES


@of_row(COMMITMENT_INVOICES)
class CommitmentInvoice:
    """What an invoice counts in a commitment, and what the contract took off it and added to it."""

    invoice_id: strawberry.ID
    subscription_id: strawberry.ID
    charged: Money
    usage: Money
    discount: Money
    drawn: Money
    overage: Money
    counted_at: datetime
    invoice = parent_field("Invoice", INVOICES, "invoice_id")
