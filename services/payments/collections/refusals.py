"""Every way in which payments says no."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CollectionIsUnknown(Refusal):
    """Nothing is being collected for this invoice."""

    code = "collection-unknown"
    kind = RefusalKind.NOT_FOUND


class AttemptIsOpen(Refusal):
    """An attempt to collect this invoice is under way; there is never a second one beside it."""

    code = "attempt-is-open"
    kind = RefusalKind.CONFLICT


class CollectionIsOver(Refusal):
    """This invoice is paid or void: nothing is collected on it any more."""

    code = "collection-is-over"
    kind = RefusalKind.CONFLICT


class PaymentMethodIsMissing(Refusal):
    """The customer has no payment method."""

    code = "payment-method-missing"
    kind = RefusalKind.CONFLICT
