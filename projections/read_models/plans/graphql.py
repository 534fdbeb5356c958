"""GraphQL type of plans, and root fields."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field
from projections.graphql.row_types import of_row
from projections.read_models.plans.projection import PLANS, PlanVersion
from shared.billing.contracts.subscriptions.plans import Charge


@of_row(Charge, name="PlanCharge")
class PlanChargeType:
    """A charge: a price, and the meter whose usage it is applied to."""

    key: str
    name: str
    meter_key: str | None = strawberry.field(description="Null: a flat fee, due once per period.")
    price: JSON = strawberry.field(description="`model` is the price model; amounts are decimal strings.")
    in_advance: bool = strawberry.field(description="Due at the start of its period.")
    one_off: bool = strawberry.field(description="Due once.")
    seats: bool = strawberry.field(description="Due for each of the subscription's seats.")
    interval: str | None = strawberry.field(description="Its period; null: that of the plan.")


@of_row(PlanVersion, name="PlanVersion")
class PlanVersionType:
    """One version of a plan; its prices never change."""

    version: int
    name: str
    currency: str
    interval: str
    proration: str = strawberry.field(description="How a part of a period is billed: day, second or none.")
    trial: str | None = strawberry.field(description="How long a new subscription is free.")
    at_trial_end: str = strawberry.field(description="What happens then: bill, cancel or pause.")
    charges: list[PlanChargeType]
    published_at: datetime


@of_row(PLANS)
class Plan:
    """A plan and every version of its prices."""

    id: strawberry.ID
    key: str
    versions: list[PlanVersionType]
    updated_at: datetime


@strawberry.type
class PlanQueries:
    """Root fields."""

    plans = list_field(Plan, "In order of their first version.", filters=["key"])
