"""Refusals of commands on invoices."""

from shared.framework.core.refusals import Refusal, RefusalKind


class InvoiceIsUnknown(Refusal):
    """There is no such invoice."""

    code = "invoice-unknown"
    kind = RefusalKind.NOT_FOUND


class InvoiceIsEmpty(Refusal):
    """An invoice needs at least one line to be finalized."""

    code = "invoice-empty"
    kind = RefusalKind.CONFLICT


class InvoiceAwaitsItsBillingRun(Refusal):
    """The billing run of this invoice's period has not completed; if it has failed, it can be retried."""

    code = "billing-run-not-completed"
    kind = RefusalKind.CONFLICT


class InvoiceIsNotADraft(Refusal):
    """Only a draft can be changed or finalized."""

    code = "invoice-not-draft"
    kind = RefusalKind.CONFLICT


class InvoiceIsTooLarge(Refusal):
    """An invoice cannot come to more than 10^18 minor units."""

    code = "invoice-too-large"
    kind = RefusalKind.UNPROCESSABLE


class InvoiceIsNotPayable(Refusal):
    """The invoice is not open for payment."""

    code = "invoice-not-payable"
    kind = RefusalKind.CONFLICT


class PaymentDoesNotMatch(Refusal):
    """The payment is not for the amount due, or the invoice was paid by another payment."""

    code = "payment-mismatch"
    kind = RefusalKind.CONFLICT
