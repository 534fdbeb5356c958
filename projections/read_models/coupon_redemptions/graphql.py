"""GraphQL type of redemptions, reached through their coupon."""

from datetime import datetime

import strawberry

from projections.graphql.fields import parent_field
from projections.graphql.row_types import of_row
from projections.read_models.coupon_redemptions.projection import COUPON_REDEMPTIONS
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS


@of_row(COUPON_REDEMPTIONS)
class CouponRedemption:
    """The redemption of a coupon by a subscription."""

    id: strawberry.ID
    number: int = strawberry.field(description="Counts the redemptions of the coupon.")
    customer_id: strawberry.ID
    subscription_id: strawberry.ID
    redeemed_at: datetime
    customer = parent_field("Customer", CUSTOMERS, "customer_id")
    subscription = parent_field("Subscription", SUBSCRIPTIONS, "subscription_id")
