"""GraphQL type of coupons with their redemptions, and root fields."""

from datetime import datetime
from decimal import Decimal

import strawberry

from projections.graphql.fields import list_field, row_field
from projections.graphql.row_types import Money, of_row
from projections.read_models.coupon_redemptions.graphql import CouponRedemption
from projections.read_models.coupons.projection import COUPONS


@of_row(COUPONS)
class Coupon:
    """A code that reduces the invoices of the subscriptions that redeem it; its terms never change."""

    id: strawberry.ID
    code: str
    name: str
    percent: Decimal | None
    amount: Money | None
    periods: int | None = strawberry.field(description="How many billing periods it reduces; null: all.")
    plan_keys: list[str]
    charge_keys: list[str]
    customer_id: strawberry.ID | None
    redemptions_max: int | None
    redemptions_per_customer_max: int | None
    expires_at: datetime | None
    defined_at: datetime
    disabled_at: datetime | None
    updated_at: datetime
    redemptions = list_field(CouponRedemption, "Oldest first.", of="coupon_id", filters=["customer_id"])


@strawberry.type
class CouponQueries:
    """Root fields."""

    coupon = row_field(Coupon)
    coupons = list_field(Coupon, "In order of definition.", filters=["code"])
