"""GraphQL type of subscriptions, and root fields."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from projections.graphql.fields import list_field, parent_field, row_field
from projections.graphql.row_types import of_row, words
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoices.graphql import Invoice
from projections.read_models.plans.projection import PLANS
from projections.read_models.subscriptions.projection import (
    SUBSCRIPTIONS,
    SubscriptionCoupon,
    SubscriptionStatus,
)
from shared.billing.contracts.subscriptions.subscriptions import ScheduledChange

words(SubscriptionStatus)


@of_row(ScheduledChange, name="ScheduledChange")
class ScheduledChangeType:
    """A change that is carried out at `at`: other terms, a pause, or the end of one."""

    change_id: strawberry.ID
    at: datetime
    kind: str
    plan_id: strawberry.ID | None
    plan_version: int | None
    quantities: JSON = strawberry.field(description="Seats by charge key.")


@of_row(SubscriptionCoupon, name="SubscriptionCoupon")
class SubscriptionCouponType:
    """A coupon that a subscription has redeemed."""

    coupon_id: strawberry.ID
    code: str
    name: str
    periods: int | None = strawberry.field(description="How many billing periods it reduces; null: all.")
    applied_at: datetime
    removed_at: datetime | None


@of_row(SUBSCRIPTIONS)
class Subscription:
    """A customer's subscription to a plan version, billed period by period."""

    id: strawberry.ID
    customer_id: strawberry.ID
    subject: str = strawberry.field(description="The usage subject that is billed.")
    plan_id: strawberry.ID
    plan_version: int
    status: SubscriptionStatus
    currency: str
    interval: str
    time_zone: str
    anchor_at: datetime
    starts_at: datetime = strawberry.field(description="From when usage and fees count.")
    started_at: datetime
    trial_ends_at: datetime | None
    paused_from: datetime | None
    quantities: JSON = strawberry.field(description="Seats by charge key; 1 where none is given.")
    scheduled_changes: list[ScheduledChangeType]
    coupons: list[SubscriptionCouponType] = strawberry.field(description="In the order of redemption.")
    periods_closed: int
    billed_until: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime
    customer = parent_field("Customer", CUSTOMERS, "customer_id")
    plan = parent_field(
        "Plan", PLANS, "plan_id", "The plan with all versions; this subscription uses planVersion."
    )
    invoices = list_field(Invoice, "Oldest first.", of="subscription_id", filters=["status"])


@strawberry.type
class SubscriptionQueries:
    """Root fields."""

    subscription = row_field(Subscription)
    subscriptions = list_field(
        Subscription, "In order of start.", filters=["customer_id", "status"], timed=True
    )
