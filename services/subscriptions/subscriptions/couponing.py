"""The application of a coupon to a subscription, and its removal."""

from services.subscriptions.subscriptions.commands import ApplyCoupon, RemoveCoupon
from services.subscriptions.subscriptions.coupons import applied_event
from services.subscriptions.subscriptions.refusals import (
    CouponIsAppliedAlready,
    CouponIsNotApplied,
    CouponsAreTooMany,
    SubscriptionIsCancelled,
)
from services.subscriptions.subscriptions.state import Live
from shared.billing.contracts.subscriptions.coupons import CouponApplied, CouponRemoved

COUPONS_MAX = 10
"""Coupons of one subscription at a time."""


def applied(state: Live, command: ApplyCoupon) -> CouponApplied:
    """The application. Raises SubscriptionIsCancelled, CouponIsAppliedAlready and CouponsAreTooMany."""
    if state.ends_at is not None:
        raise SubscriptionIsCancelled(f"it ends at {state.ends_at.isoformat()}")
    held = [one.coupon_id for one in state.coupons if not one.is_spent(command.now)]
    if command.coupon.coupon_id in held:
        raise CouponIsAppliedAlready(command.coupon.code)
    if len(held) >= COUPONS_MAX:
        raise CouponsAreTooMany(f"{command.subscription_id} has {len(held)}")
    return applied_event(command)


def removed(state: Live, command: RemoveCoupon) -> CouponRemoved:
    """The removal. Raises CouponIsNotApplied."""
    if command.coupon_id not in {one.coupon_id for one in state.coupons}:
        raise CouponIsNotApplied(command.subscription_id)
    return CouponRemoved(
        subscription_id=command.subscription_id, coupon_id=command.coupon_id, removed_at=command.now
    )
