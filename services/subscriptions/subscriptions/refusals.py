"""Every way in which this domain says no."""

from shared.framework.core.refusals import Refusal, RefusalKind


class PlanCurrencyDiffers(Refusal):
    """A customer is billed in one currency; this plan is in another."""

    code = "plan-currency-differs"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsInTheFuture(Refusal):
    """A subscription is anchored now or in the past."""

    code = "anchor-in-future"
    kind = RefusalKind.UNPROCESSABLE


class AnchorIsTooOld(Refusal):
    """A subscription is backdated by ten years at most."""

    code = "anchor-too-old"
    kind = RefusalKind.UNPROCESSABLE


class SubscriptionIsUnknown(Refusal):
    """There is no such subscription."""

    code = "subscription-unknown"
    kind = RefusalKind.NOT_FOUND


class SubscriptionExists(Refusal):
    """A subscription of this id has been started already."""

    code = "subscription-exists"
    kind = RefusalKind.CONFLICT


class SubscriptionHasEnded(Refusal):
    """It is over: its last period has been closed."""

    code = "subscription-ended"
    kind = RefusalKind.CONFLICT


class PeriodIsNotOver(Refusal):
    """A period is closed when it is over, not before."""

    code = "period-not-over"
    kind = RefusalKind.CONFLICT
