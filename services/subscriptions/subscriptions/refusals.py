"""Refusals of commands on subscriptions."""

from shared.framework.core.refusals import Refusal, RefusalKind


class PlanCurrencyDiffers(Refusal):
    """The plan has no prices in the customer's currency."""

    code = "plan-currency-differs"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsTooOld(Refusal):
    """The anchor of a subscription must not be more than ten years in the past."""

    code = "anchor-too-old"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsAfterTheStart(Refusal):
    """The anchor of a subscription must not be after the instant from which it is billed."""

    code = "anchor-after-start"
    kind = RefusalKind.UNPROCESSABLE


class StartIsTooFar(Refusal):
    """The start of a subscription, and the end of its trial, must be within ten years from now."""

    code = "start-too-far"
    kind = RefusalKind.UNPROCESSABLE


class TrialEndsBeforeTheStart(Refusal):
    """The trial of a subscription must end after its start."""

    code = "trial-ends-before-start"
    kind = RefusalKind.UNPROCESSABLE


class StartIsTooOld(Refusal):
    """The start of a subscription must not be more than ten years in the past."""

    code = "start-too-old"
    kind = RefusalKind.UNPROCESSABLE


class SubscriptionIsUnknown(Refusal):
    """There is no such subscription."""

    code = "subscription-unknown"
    kind = RefusalKind.NOT_FOUND


class SubscriptionExists(Refusal):
    """A subscription with this id exists."""

    code = "subscription-exists"
    kind = RefusalKind.CONFLICT


class SubscriptionHasEnded(Refusal):
    """The subscription has ended; its last period is closed."""

    code = "subscription-ended"
    kind = RefusalKind.CONFLICT


class PeriodIsNotOver(Refusal):
    """The billing period, or what else is due, has not ended."""

    code = "period-not-ended"
    kind = RefusalKind.CONFLICT


class SubscriptionIsBehind(Refusal):
    """Periods of the subscription are still being closed: the command can be repeated in a moment."""

    code = "subscription-behind"
    kind = RefusalKind.UNAVAILABLE


class SubscriptionIsCancelled(Refusal):
    """The subscription is cancelled, or ends before the change would take effect."""

    code = "subscription-cancelled"
    kind = RefusalKind.CONFLICT


class SubscriptionIsNotCancelled(Refusal):
    """There is no cancellation of the subscription to withdraw."""

    code = "subscription-not-cancelled"
    kind = RefusalKind.CONFLICT


class SubscriptionIsNotActive(Refusal):
    """The subscription is not being billed at that time, or not yet."""

    code = "subscription-not-active"
    kind = RefusalKind.CONFLICT


class SubscriptionIsNotPaused(Refusal):
    """The subscription is not paused at that time."""

    code = "subscription-not-paused"
    kind = RefusalKind.CONFLICT


class EndIsInThePast(Refusal):
    """A subscription must not end before now, nor before its start."""

    code = "end-in-past"
    kind = RefusalKind.UNPROCESSABLE


class ChangeIsInThePast(Refusal):
    """A change needs the instant of its effect, which must not be in the past."""

    code = "change-in-past"
    kind = RefusalKind.UNPROCESSABLE


class ChangeIsEmpty(Refusal):
    """A change of terms needs a plan, quantities or prices."""

    code = "change-empty"
    kind = RefusalKind.UNPROCESSABLE


class ChangesConflict(Refusal):
    """Another change that is scheduled at the same instant concerns the same thing."""

    code = "changes-conflict"
    kind = RefusalKind.CONFLICT


class ChangeIsUnknown(Refusal):
    """The subscription has no such scheduled change (any more)."""

    code = "change-unknown"
    kind = RefusalKind.NOT_FOUND


class PlanChargeIsUnknown(Refusal):
    """The plan version has no charge with this key."""

    code = "charge-unknown"
    kind = RefusalKind.UNPROCESSABLE


class ChargeHasNoQuantity(Refusal):
    """Only charges with seats have a quantity."""

    code = "charge-without-quantity"
    kind = RefusalKind.UNPROCESSABLE


class QuantityIsInvalid(Refusal):
    """A quantity is 0 to 10^12, with at most 6 decimal places."""

    code = "quantity-invalid"
    kind = RefusalKind.UNPROCESSABLE


class CouponIsAppliedAlready(Refusal):
    """The coupon reduces this subscription already."""

    code = "coupon-applied-already"
    kind = RefusalKind.CONFLICT


class CouponIsNotApplied(Refusal):
    """The coupon does not reduce this subscription."""

    code = "coupon-not-applied"
    kind = RefusalKind.CONFLICT


class CouponsAreTooMany(Refusal):
    """A subscription can have at most ten coupons at a time."""

    code = "coupons-too-many"
    kind = RefusalKind.CONFLICT
