"""Every way in which invoicing says no."""

from shared.framework.core.refusals import Refusal, RefusalKind


class InvoiceIsUnknown(Refusal):
    """There is no such invoice."""

    code = "invoice-unknown"
    kind = RefusalKind.NOT_FOUND


class InvoiceIsEmpty(Refusal):
    """A legal document needs at least one line; a period's invoice gets its lines from the reading."""

    code = "invoice-is-empty"
    kind = RefusalKind.CONFLICT


class InvoiceIsNotADraft(Refusal):
    """Only a draft can be changed or finalized."""

    code = "invoice-is-not-a-draft"
    kind = RefusalKind.CONFLICT


class InvoiceIsTooLarge(Refusal):
    """An invoice cannot come to more than 10^15 minor units."""

    code = "invoice-is-too-large"
    kind = RefusalKind.UNPROCESSABLE


class InvoiceIsNotPayable(Refusal):
    """A payment came for an invoice that nothing is to be collected on."""

    code = "invoice-is-not-payable"
    kind = RefusalKind.CONFLICT


class PaymentDoesNotMatch(Refusal):
    """The payment is not of the amount due, or the invoice was paid by another one."""

    code = "payment-does-not-match"
    kind = RefusalKind.CONFLICT
