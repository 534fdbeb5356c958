"""Events of coupons: what they take off, their redemptions, and the subscriptions that they reduce."""

from datetime import datetime

from shared.billing.discounts import Discount, Reduction
from shared.framework.core.event import Event


class CouponDefined(Event, frozen=True, kw_only=True):
    """A code reduces the invoices of the subscriptions that redeem it; nothing of this ever changes.

    `periods`: how many billing periods of a subscription it reduces; 1 is once, None for ever. It may be
    limited to plans, to charges and to one customer (empty, and None: not limited), to so many redemptions
    in all and of each customer, and to redemptions before `expires_at`.
    """

    wire_name = "subscriptions.coupon.defined.v1"

    coupon_id: str
    code: str
    name: str
    reduction: Reduction
    periods: int | None
    plan_keys: tuple[str, ...]
    charge_keys: tuple[str, ...]
    customer_id: str | None
    redemptions_max: int | None
    redemptions_per_customer_max: int | None
    expires_at: datetime | None
    defined_at: datetime


class CouponDisabled(Event, frozen=True, kw_only=True):
    """A coupon can be redeemed no more; subscriptions that have redeemed it keep it."""

    wire_name = "subscriptions.coupon.disabled.v1"

    coupon_id: str
    disabled_at: datetime


class CouponRedeemed(Event, frozen=True, kw_only=True):
    """A subscription has redeemed a coupon; `number` counts all redemptions of the coupon.

    The stream is that of the customer's redemptions of the coupon: its version is their number.
    """

    wire_name = "subscriptions.coupon.redeemed.v1"

    coupon_id: str
    number: int
    customer_id: str
    subscription_id: str
    redeemed_at: datetime


class CouponRedemptionCounted(Event, frozen=True, kw_only=True):
    """A redemption of a coupon got its number, which is the version of the stream: no two have the same.

    It names no customer, for the stream is of all customers.
    """

    wire_name = "subscriptions.coupon-redemption.counted.v1"

    coupon_id: str
    number: int
    subscription_id: str
    counted_at: datetime


class CouponApplied(Event, frozen=True, kw_only=True):
    """A subscription is reduced by a coupon: by `discount`, for so many `periods` (None: as long as it runs).

    Only while it is billed by one of `plan_ids`, if there are any.
    """

    wire_name = "subscriptions.coupon.applied.v1"

    subscription_id: str
    code: str
    discount: Discount
    periods: int | None
    plan_ids: tuple[str, ...]
    applied_at: datetime

    @property
    def coupon_id(self) -> str:
        """The id of the coupon."""
        return self.discount.discount_id


class CouponRemoved(Event, frozen=True, kw_only=True):
    """A coupon was taken from a subscription; what is billed from now on is not reduced by it."""

    wire_name = "subscriptions.coupon.removed.v1"

    subscription_id: str
    coupon_id: str
    removed_at: datetime
