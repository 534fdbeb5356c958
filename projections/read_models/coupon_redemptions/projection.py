"""Redemptions of coupons, one row each."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, row_from
from shared.billing.contracts.subscriptions.coupons import CouponRedeemed


class CouponRedemptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """The redemption of a coupon by a subscription; the row never changes."""

    coupon_id: str
    number: int
    customer_id: str
    subscription_id: str
    redeemed_at: datetime


def targets(decoded: DecodedEvent) -> Iterable[tuple[str, Any]]:
    """One row for each redemption."""
    event: Any = decoded.event
    return [(f"{event.coupon_id}:{event.number:09}", event)]


def fold(_: CouponRedemptionRow | None, event: CouponRedeemed, __: DecodedEvent) -> CouponRedemptionRow:
    """The row of a redemption."""
    return row_from(CouponRedemptionRow, event)


COUPON_REDEMPTIONS = ReadModel(
    name="coupon_redemptions",
    version=1,
    row=CouponRedemptionRow,
    events=(CouponRedeemed,),
    targets=targets,
    fold=fold,
    sorted_by=lambda row: row.redeemed_at,
    filters=("coupon_id", "customer_id"),
    owner="customer_id",
)
