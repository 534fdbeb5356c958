"""The coupons of a subscription, and the discounts of what it bills (billing rule 6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.subscriptions.subscriptions.calendar import period_of
from services.subscriptions.subscriptions.commands import ApplyCoupon
from services.subscriptions.subscriptions.terms import Terms
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.coupons import CouponApplied
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.billing.discounts import AmountOff, Discount
from shared.billing.period import Interval

Billing = BillingPeriodClosed | ChargesDue
"""An event that becomes an invoice."""


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    """A coupon of a subscription: the periods that it may still reduce, and the end of the last one.

    `periods_left` None: as long as the subscription runs.
    """

    applied: CouponApplied
    periods_left: int | None
    covered_until: datetime | None = None

    @property
    def coupon_id(self) -> str:
        """The id of the coupon."""
        return self.applied.coupon_id

    def is_spent(self, at: datetime) -> bool:
        """Whether nothing that is billed for time from `at` on is reduced any more."""
        return self.periods_left == 0 and self.covered_until is not None and self.covered_until <= at


def applied_event(command: ApplyCoupon) -> CouponApplied:
    """The event that applies a coupon, with a copy of its terms."""
    coupon = command.coupon
    return CouponApplied(
        subscription_id=command.subscription_id,
        code=coupon.code,
        discount=Discount(
            discount_id=coupon.coupon_id,
            name=coupon.name,
            reduction=coupon.reduction,
            charge_keys=coupon.charge_keys,
        ),
        periods=coupon.periods,
        plan_ids=command.plan_ids,
        applied_at=command.now,
    )


def with_applied(coupons: Sequence[HeldCoupon], event: CouponApplied) -> tuple[HeldCoupon, ...]:
    """The coupons after one was applied; it replaces itself if it was spent."""
    return (*without(coupons, event.coupon_id), HeldCoupon(event, event.periods))


def without(coupons: Sequence[HeldCoupon], coupon_id: str) -> tuple[HeldCoupon, ...]:
    """The coupons without one."""
    return tuple(one for one in coupons if one.coupon_id != coupon_id)


def with_discounts(coupons: Sequence[HeldCoupon], terms: Terms, event: Billing) -> Billing:
    """The event with the discounts of what it bills."""
    discounts = tuple(discount for one in coupons if (discount := _reduce(one, terms, event)[1]) is not None)
    return msgspec.structs.replace(event, discounts=discounts) if discounts else event


def after_billing(coupons: Sequence[HeldCoupon], terms: Terms, event: Billing) -> tuple[HeldCoupon, ...]:
    """The coupons after an event: each period that one reduces for the first time is counted."""
    return tuple(_reduce(one, terms, event)[0] for one in coupons)


def _reduce(held: HeldCoupon, terms: Terms, event: Billing) -> tuple[HeldCoupon, Discount | None]:
    """The coupon after an event, and the discount that it gives on it.

    A period is counted when something of it that is in the coupon's scope is billed first, in advance or at
    its end; what is billed of a counted period later is reduced too, by a percentage. A fixed amount is
    taken once for each counted period.
    """
    applied = held.applied
    if applied.plan_ids and event.plan_id not in applied.plan_ids:
        return held, None
    covered: set[str] = set()
    all_keys: set[str] = set()
    is_counted = False
    for start, keys in _stretches(event):
        in_scope = {key for key in keys if applied.discount.covers(key)}
        all_keys |= in_scope
        if not in_scope:
            continue
        if held.covered_until is None or held.covered_until <= start:
            if held.periods_left == 0:
                continue
            held, is_counted = _counted(held, terms, start), True
        covered |= in_scope
    is_fixed = isinstance(applied.discount.reduction, AmountOff)
    if not covered or (is_fixed and not is_counted):
        return held, None
    if covered == all_keys:
        return held, applied.discount
    return held, msgspec.structs.replace(applied.discount, charge_keys=tuple(sorted(covered)))


def _counted(held: HeldCoupon, terms: Terms, start: datetime) -> HeldCoupon:
    end = period_of(terms, Interval.parse(terms.interval), start).end
    left = None if held.periods_left is None else held.periods_left - 1
    return replace(held, periods_left=left, covered_until=end)


def _stretches(event: Billing) -> list[tuple[datetime, set[str]]]:
    """The starts of the time that is billed, with the keys of the charges: in arrears, then in advance."""
    match event:
        case BillingPeriodClosed():
            in_arrears = {charge.key for charge in event.charges} | _keys(event.items, ahead=False)
            return [
                (event.period.start, in_arrears),
                (event.period.end, _keys(event.items, ahead=True)),
            ]
        case ChargesDue():
            keys = _keys(event.items, ahead=False) | _keys(event.items, ahead=True)
            return [(event.effective_at, keys)]


def _keys(items: Iterable[BillingItem], *, ahead: bool) -> set[str]:
    """The charges of items that bill time to come (and once), or time that is over; not of credits."""
    return {
        item.charge.key
        for item in items
        if item.credit_of is None and (item.charge.in_advance or item.charge.one_off) is ahead
    }
