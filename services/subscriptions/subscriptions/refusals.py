"""Every way in which this domain says no."""

from shared.framework.core.refusals import Kind, Refusal


class CurrenciesAreNotTheSame(Refusal):
    """A customer is billed in one currency; this plan is in another."""

    code = "plan-currency-differs"
    kind = Kind.UNPROCESSABLE


class AnchorIsInTheFuture(Refusal):
    """A subscription is anchored now or in the past."""

    code = "anchor-in-future"
    kind = Kind.UNPROCESSABLE


class AnchorIsTooOld(Refusal):
    """A subscription is backdated by ten years at most."""

    code = "anchor-too-old"
    kind = Kind.UNPROCESSABLE


class SubscriptionIsUnknown(Refusal):
    """There is no such subscription."""

    code = "subscription-unknown"
    kind = Kind.NOT_FOUND


class SubscriptionExists(Refusal):
    """A subscription of this id has been started already."""

    code = "subscription-exists"
    kind = Kind.CONFLICT


class SubscriptionHasEnded(Refusal):
    """It is over: its last period has been closed."""

    code = "subscription-ended"
    kind = Kind.CONFLICT


class PeriodIsNotOver(Refusal):
    """A period is closed when it is over, not before."""

    code = "period-not-over"
    kind = Kind.CONFLICT
