"""Refusals of commands on coupons, and of their redemption."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CouponIsUnknown(Refusal):
    """There is no coupon of this code."""

    code = "coupon-unknown"
    kind = RefusalKind.NOT_FOUND


class CouponExists(Refusal):
    """A coupon of this code exists, with other terms."""

    code = "coupon-exists"
    kind = RefusalKind.CONFLICT


class CouponNeedsOneReduction(Refusal):
    """A coupon takes off either a percentage or an amount."""

    code = "coupon-reduction-invalid"
    kind = RefusalKind.INVALID


class PercentIsInvalid(Refusal):
    """A percentage off is above 0 and at most 100."""

    code = "percent-invalid"
    kind = RefusalKind.INVALID


class AmountOffIsInvalid(Refusal):
    """An amount off is above zero."""

    code = "amount-off-invalid"
    kind = RefusalKind.INVALID


class CouponIsDisabled(Refusal):
    """The coupon is disabled."""

    code = "coupon-disabled"
    kind = RefusalKind.CONFLICT


class CouponHasExpired(Refusal):
    """The coupon has expired."""

    code = "coupon-expired"
    kind = RefusalKind.CONFLICT


class CouponIsUsedUp(Refusal):
    """The coupon was redeemed as often as it may be, in all or by this customer."""

    code = "coupon-used-up"
    kind = RefusalKind.CONFLICT


class CouponCurrencyDiffers(Refusal):
    """The coupon takes off an amount of another currency."""

    code = "coupon-currency-differs"
    kind = RefusalKind.UNPROCESSABLE


class CouponIsOutOfScope(Refusal):
    """The coupon is limited to other plans, other charges or another customer."""

    code = "coupon-out-of-scope"
    kind = RefusalKind.UNPROCESSABLE
