"""Coupons: codes that reduce the invoices of subscriptions, and their redemptions.

Owns the `cpn`, `crd` and `crc` streams, subscribes to nothing, and publishes CouponDefined, CouponDisabled,
CouponRedeemed and CouponRedemptionCounted.
"""
