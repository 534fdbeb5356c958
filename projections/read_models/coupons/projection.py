"""Coupons by their code, as they were defined; their redemptions are rows of their own."""

from datetime import datetime
from decimal import Decimal

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.coupons import CouponDefined, CouponDisabled
from shared.billing.discounts import AmountOff, PercentageOff
from shared.billing.money import Money
from shared.framework.core.refusals import ImpossibleHistory


class CouponRow(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon: `percent` or `amount` off; `disabled_at` is set once it can be redeemed no more."""

    coupon_id: str
    code: str
    name: str
    periods: int | None
    plan_keys: tuple[str, ...]
    charge_keys: tuple[str, ...]
    customer_id: str | None
    redemptions_max: int | None
    redemptions_per_customer_max: int | None
    expires_at: datetime | None
    defined_at: datetime
    percent: Decimal | None = None
    amount: Money | None = None
    disabled_at: datetime | None = None


def fold(row: CouponRow | None, event: CouponDefined | CouponDisabled, _: DecodedEvent) -> CouponRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, CouponDefined(reduction=PercentageOff(percent=percent)):
            return changed(row_from(CouponRow, event), percent=percent)
        case None, CouponDefined(reduction=AmountOff(amount=amount)):
            return changed(row_from(CouponRow, event), amount=amount)
        case CouponRow(), CouponDisabled():
            return changed(row, disabled_at=event.disabled_at)
    raise ImpossibleHistory(row, event)


COUPONS = ReadModel(
    name="coupons",
    version=1,
    row=CouponRow,
    events=(CouponDefined, CouponDisabled),
    targets=single_row("coupon_id"),
    fold=fold,
    sorted_by=lambda row: row.defined_at,
    filters=("code",),
    source=StreamSource,
)
