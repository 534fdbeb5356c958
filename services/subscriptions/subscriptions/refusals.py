"""Refusals of commands on subscriptions."""

from shared.framework.core.refusals import Refusal, RefusalKind


class PlanCurrencyDiffers(Refusal):
    """The currency of the plan is not the customer's currency."""

    code = "plan-currency-differs"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsInTheFuture(Refusal):
    """The anchor of a subscription must not be in the future."""

    code = "anchor-in-future"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsTooOld(Refusal):
    """The anchor of a subscription must not be more than ten years in the past."""

    code = "anchor-too-old"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsAfterTheStart(Refusal):
    """The anchor of a subscription must not be after its start."""

    code = "anchor-after-start"
    kind = RefusalKind.UNPROCESSABLE


class StartIsInTheFuture(Refusal):
    """The start of a subscription must not be in the future."""

    code = "start-in-future"
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
    """The billing period has not ended."""

    code = "period-not-ended"
    kind = RefusalKind.CONFLICT
