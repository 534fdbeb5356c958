"""An invoice: drafted, rated and finalized, then paid or voided."""

from collections.abc import Sequence
from datetime import datetime

from services.invoicing.invoices.commands import (
    DraftInvoice,
    FinalizeInvoice,
    RateInvoice,
    RecordPayment,
    VoidInvoice,
)
from services.invoicing.invoices.refusals import (
    InvoiceAwaitsItsBillingRun,
    InvoiceIsEmpty,
    InvoiceIsNotADraft,
    InvoiceIsNotPayable,
    InvoiceIsTooLarge,
    InvoiceIsUnknown,
    PaymentDoesNotMatch,
)
from services.invoicing.invoices.state import (
    Draft,
    Finalized,
    Invoice,
    InvoiceEvent,
    NoInvoice,
    Paid,
    Voided,
    evolve,
)
from services.invoicing.invoices.totals import document_of
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
)
from shared.billing.money import Money, total
from shared.framework.core.decider import Decider

InvoiceCommand = DraftInvoice | RateInvoice | FinalizeInvoice | RecordPayment | VoidInvoice

INVOICE_MINOR_MAX = 10**18
"""Minor units. More is a mistake, and beyond 2^63 databases lose digits."""


def decide(invoice: Invoice, command: InvoiceCommand) -> Sequence[InvoiceEvent]:
    """The events of a command; see the function of each."""
    match command:
        case DraftInvoice():
            return draft(invoice, command)
        case RateInvoice():
            return rate(invoice, command)
        case FinalizeInvoice():
            return finalize(invoice, command)
        case RecordPayment():
            return record_payment(invoice, command)
        case VoidInvoice():
            return void(invoice, command)


def draft(invoice: Invoice, command: DraftInvoice) -> Sequence[InvoiceEvent]:
    """The draft; nothing if the invoice exists."""
    if not isinstance(invoice, NoInvoice):
        return []
    return [
        InvoiceDrafted(
            invoice_id=command.invoice_id,
            customer_id=command.customer_id,
            currency=command.currency,
            subscription_id=command.subscription_id,
            period=command.period,
            drafted_at=command.now,
        )
    ]


def rate(invoice: Invoice, command: RateInvoice) -> Sequence[InvoiceEvent]:
    """The lines of a draft.

    Raises InvoiceIsTooLarge, InvoiceIsNotADraft and InvoiceIsUnknown.
    """
    match invoice:
        case Draft():
            _check_size(total((line.amount for line in command.lines), invoice.currency))
            return [
                InvoiceLinesRated(
                    invoice_id=command.invoice_id,
                    lines=command.lines,
                    reading_id=command.reading_id,
                    rated_at=command.now,
                    discounts=command.discounts,
                )
            ]
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)
        case Finalized() | Paid() | Voided():
            raise InvoiceIsNotADraft(command.invoice_id)


def finalize(invoice: Invoice, command: FinalizeInvoice) -> Sequence[InvoiceEvent]:
    """The document of a draft, and its payment if nothing is due; nothing if it is finalized.

    Raises InvoiceIsEmpty, InvoiceAwaitsItsBillingRun, InvoiceIsTooLarge, InvoiceIsNotADraft (voided) and
    InvoiceIsUnknown.
    """
    match invoice:
        case Draft(lines=(), subscription_id=None):
            raise InvoiceIsEmpty(command.invoice_id)
        case Draft(lines=()):
            raise InvoiceAwaitsItsBillingRun(command.invoice_id)
        case Draft():
            document = document_of(invoice, command)
            _check_size(document.total)
            return [document] if document.amount_due.minor else [document, _paid(document, None, command.now)]
        case Finalized() | Paid():
            return []
        case Voided():
            raise InvoiceIsNotADraft(command.invoice_id)
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)


def record_payment(invoice: Invoice, command: RecordPayment) -> Sequence[InvoiceEvent]:
    """The payment of the whole amount due; nothing if it is repeated, or if the invoice is voided.

    The payments service refunds what comes in for a voided invoice.
    Raises PaymentDoesNotMatch, InvoiceIsNotPayable (draft) and InvoiceIsUnknown.
    """
    match invoice:
        case Finalized(document=document) if document.amount_due == command.amount:
            return [_paid(document, command.payment_id, command.now)]
        case Paid() if invoice.payment_id == command.payment_id:
            return []
        case Finalized() | Paid():
            raise PaymentDoesNotMatch(command.payment_id)
        case Voided():
            return []
        case Draft():
            raise InvoiceIsNotPayable(command.invoice_id)
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)


def void(invoice: Invoice, command: VoidInvoice) -> Sequence[InvoiceEvent]:
    """The voiding of a draft, finalized or paid invoice; nothing if it is voided. Raises InvoiceIsUnknown.

    The payments service refunds what was paid.
    """
    match invoice:
        case Draft():
            customer_id, amount_due = invoice.customer_id, Money.zero(invoice.currency)
        case Finalized(document=document) | Paid(document=document):
            customer_id, amount_due = document.customer_id, document.amount_due
        case Voided():
            return []
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)
    return [
        InvoiceVoided(
            invoice_id=command.invoice_id,
            customer_id=customer_id,
            amount_due=amount_due,
            reason=command.reason,
            voided_at=command.now,
        )
    ]


INVOICE: Decider[Invoice, InvoiceCommand, InvoiceEvent] = Decider(NoInvoice(), decide, evolve)


def _check_size(amount: Money) -> None:
    if amount.minor > INVOICE_MINOR_MAX:
        raise InvoiceIsTooLarge(f"{amount}")


def _paid(document: InvoiceFinalized, payment_id: str | None, now: datetime) -> InvoicePaid:
    return InvoicePaid(
        invoice_id=document.invoice_id,
        customer_id=document.customer_id,
        payment_id=payment_id,
        amount=document.amount_due,
        paid_at=now,
    )
