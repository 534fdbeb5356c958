"""GraphQL type of contracts, and root fields."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field, parent_field, row_field
from projections.graphql.row_types import Money, Period, of_row, words
from projections.read_models.commitments.graphql import Commitment
from projections.read_models.contracts.projection import CONTRACTS, ContractStatus
from projections.read_models.customers.projection import CUSTOMERS
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    Overage,
    TerminationFee,
    VolumeDiscount,
)

words(ContractStatus)


@of_row(CommitmentPeriod, name="ContractPeriod")
class ContractPeriodType:
    """A period of a contract, with the commitment for the whole of `fullPeriod`."""

    period: Period
    full_period: Period
    commitment: Money


@of_row(VolumeDiscount, name="VolumeDiscount")
class VolumeDiscountType:
    """The rate (a fraction) taken off the part of a period's charges above an amount in major units."""

    above: Decimal
    rate: Decimal


@of_row(Overage, name="Overage")
class OverageType:
    """Usage beyond the commitment costs its amount times the multiplier, or has other unit prices."""

    multiplier: Decimal | None
    unit_prices: JSON = strawberry.field(description="By charge key, as decimal strings.")


@of_row(TerminationFee, name="TerminationFee")
class TerminationFeeType:
    """An amount, or a share (a fraction) of the commitments that were still to come."""

    amount: Money | None
    share: Decimal | None


@of_row(CONTRACTS)
class Contract:
    """What a customer commits to pay over several periods, for one or more subscriptions."""

    id: strawberry.ID
    customer_id: strawberry.ID
    name: str
    kind: ContractKind
    status: ContractStatus
    currency: str
    interval: str
    starts_at: datetime
    ends_at: datetime = strawberry.field(description="Of the term, or of the contract if it is terminated.")
    periods: list[ContractPeriodType]
    subscription_ids: list[strawberry.ID] | None = strawberry.field(
        description="Null: all subscriptions of the customer."
    )
    overage: OverageType | None
    volume_discounts: list[VolumeDiscountType]
    termination_fee: TerminationFeeType | None
    signed_at: datetime
    terminated_at: datetime | None
    updated_at: datetime
    customer = parent_field("Customer", CUSTOMERS, "customer_id")
    commitments = list_field(
        Commitment, "Those that have begun, oldest first.", of="contract_id", filters=["status"]
    )


@strawberry.type
class ContractQueries:
    """Root fields."""

    contract = row_field(Contract)
    contracts = list_field(Contract, "In the order of signing.", filters=["customer_id", "status"])
