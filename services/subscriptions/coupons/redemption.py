"""The redemption of a coupon: whether a subscription may redeem it, and the events that count it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.subscriptions.coupons.decider import Coupon
from services.subscriptions.coupons.refusals import (
    CouponCurrencyDiffers,
    CouponHasExpired,
    CouponIsDisabled,
    CouponIsOutOfScope,
    CouponIsUsedUp,
)
from shared.billing.contracts.subscriptions.coupons import (
    CouponDefined,
    CouponRedeemed,
    CouponRedemptionCounted,
)
from shared.billing.discounts import AmountOff
from shared.framework.core.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCoupon:
    """Redeem a coupon for a subscription to this plan with these charges."""

    code: str
    subscription_id: str
    customer_id: str
    currency: str
    plan_id: str
    charge_keys: frozenset[str]
    now: datetime


def redemptions_id(coupon_id: str, customer_id: str) -> str:
    """The stream of a customer's redemptions of a coupon; its version is their number."""
    return derived_id("crd", coupon_id, customer_id)


def redemption_count_id(coupon_id: str) -> str:
    """The stream that counts all redemptions of a coupon; its version is their number."""
    return derived_id("crc", coupon_id)


def check_redeemable(coupon: Coupon, plan_ids: Collection[str], command: RedeemCoupon) -> None:
    """Refuse what the coupon is not for; `plan_ids`: those that it is limited to, if any.

    Raises CouponIsDisabled, CouponHasExpired, CouponCurrencyDiffers and CouponIsOutOfScope.
    """
    terms = coupon.terms
    if coupon.disabled_at is not None:
        raise CouponIsDisabled(terms.code)
    if terms.expires_at is not None and terms.expires_at <= command.now:
        raise CouponHasExpired(f"{terms.code} at {terms.expires_at.isoformat()}")
    reduction = terms.reduction
    if isinstance(reduction, AmountOff) and reduction.amount.currency != command.currency:
        raise CouponCurrencyDiffers(f"{reduction.amount.currency} off {command.currency}")
    if terms.customer_id not in (None, command.customer_id):
        raise CouponIsOutOfScope(f"{terms.code} is for another customer")
    if plan_ids and command.plan_id not in plan_ids:
        raise CouponIsOutOfScope(f"{terms.code} is for the plans {', '.join(terms.plan_keys)}")
    if terms.charge_keys and not command.charge_keys.intersection(terms.charge_keys):
        raise CouponIsOutOfScope(f"{terms.code} is for the charges {', '.join(terms.charge_keys)}")


def redeemed(
    terms: CouponDefined, command: RedeemCoupon, number: int, number_of_customer: int
) -> tuple[CouponRedeemed, CouponRedemptionCounted]:
    """The redemption that is the coupon's `number`th, and the customer's. Raises CouponIsUsedUp."""
    limit, limit_of_customer = terms.redemptions_max, terms.redemptions_per_customer_max
    if limit is not None and number > limit:
        raise CouponIsUsedUp(f"{terms.code} may be redeemed {limit} times")
    if limit_of_customer is not None and number_of_customer > limit_of_customer:
        raise CouponIsUsedUp(f"a customer may redeem {terms.code} {limit_of_customer} times")
    redemption = CouponRedeemed(
        coupon_id=terms.coupon_id,
        number=number,
        customer_id=command.customer_id,
        subscription_id=command.subscription_id,
        redeemed_at=command.now,
    )
    count = CouponRedemptionCounted(
        coupon_id=terms.coupon_id,
        number=number,
        subscription_id=command.subscription_id,
        counted_at=command.now,
    )
    return redemption, count
