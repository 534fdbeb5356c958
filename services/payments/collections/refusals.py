"""The refusals of a collection."""

from shared.framework.core.refusals import Refusal, RefusalKind


class CollectionIsUnknown(Refusal):
    """There is no collection for this invoice."""

    code = "collection-unknown"
    kind = RefusalKind.NOT_FOUND
    reference_to = "invoicing"


class AttemptIsOpen(Refusal):
    """An attempt to collect this invoice is in progress."""

    code = "attempt-in-progress"
    kind = RefusalKind.CONFLICT


class CollectionIsOver(Refusal):
    """The invoice is paid or void, so its collection is closed."""

    code = "collection-closed"
    kind = RefusalKind.CONFLICT


class PaymentMethodIsMissing(Refusal):
    """The customer has no payment method."""

    code = "payment-method-missing"
    kind = RefusalKind.CONFLICT
