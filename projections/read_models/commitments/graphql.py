"""GraphQL type of commitments, and root fields."""

from datetime import datetime

import strawberry

from projections.graphql.fields import list_field, parent_field, row_field
from projections.graphql.row_types import Money, Period, of_row, words
from projections.read_models.commitment_invoices.graphql import CommitmentInvoice
from projections.read_models.commitments.projection import COMMITMENTS, CommitmentStatus
from projections.read_models.contracts.projection import CONTRACTS
from projections.read_models.invoices.projection import INVOICES
from shared.billing.contracts.subscriptions.contracts import ContractKind

words(CommitmentStatus)
words(ContractKind)


@of_row(COMMITMENTS)
class Commitment:
    """The commitment of one period of a contract: what was billed of it, and what was missing."""

    id: strawberry.ID
    contract_id: strawberry.ID
    customer_id: strawberry.ID
    kind: ContractKind
    number: int = strawberry.field(description="Counts the periods of the contract from 0.")
    status: CommitmentStatus
    period: Period
    amount: Money
    charged: Money = strawberry.field(description="All lines that count, before the volume discount.")
    usage: Money = strawberry.field(description="Lines with a meter, less their part of the discount.")
    discount: Money
    drawn: Money = strawberry.field(description="Paid from a prepaid commitment.")
    overage: Money = strawberry.field(description="What usage beyond the commitment cost more.")
    awaited: int = strawberry.field(description="The number of invoices that keep the commitment open.")
    counted: Money | None = strawberry.field(description="What was billed of the commitment, once closed.")
    true_up: Money | None
    expired: Money | None = strawberry.field(description="What was left of a prepaid commitment.")
    true_up_invoice_id: strawberry.ID | None
    prepaid_invoice_id: strawberry.ID | None
    termination_fee: Money | None
    termination_fee_invoice_id: strawberry.ID | None
    started_at: datetime
    closed_at: datetime | None
    updated_at: datetime
    contract = parent_field("Contract", CONTRACTS, "contract_id")
    true_up_invoice = parent_field("Invoice", INVOICES, "true_up_invoice_id")
    invoices = list_field(
        CommitmentInvoice, "Those that count, in the order of their numbers.", of="commitment_id"
    )


@strawberry.type
class CommitmentQueries:
    """Root fields."""

    commitment = row_field(Commitment)
    commitments = list_field(
        Commitment, "In order of their start.", filters=["contract_id", "customer_id", "status"]
    )
