"""An invoice: a draft until it gets its number, then a document that is paid or taken back."""

from collections.abc import Sequence

from services.invoicing.invoices.commands import (
    DraftInvoice,
    FinalizeInvoice,
    RateInvoice,
    RecordPayment,
    VoidInvoice,
)
from services.invoicing.invoices.refusals import (
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
from services.invoicing.invoices.totals import invoice_totals
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


INVOICE_MINOR_MAX = 10**15
"""More is a mistake, and no number that JSON readers keep exactly."""


def decide(invoice: Invoice, command: InvoiceCommand) -> Sequence[InvoiceEvent]:
    """Hand the command to the one function that judges it."""
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
    """Begin an invoice; one that is there already stays as it is."""
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
    """A draft gets its lines."""
    match invoice:
        case Draft():
            if total((line.amount for line in command.lines), invoice.currency).minor > INVOICE_MINOR_MAX:
                raise InvoiceIsTooLarge(command.invoice_id)
            return [
                InvoiceLinesRated(
                    invoice_id=command.invoice_id,
                    lines=command.lines,
                    reading_id=command.reading_id,
                    rated_at=command.now,
                )
            ]
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)
        case Finalized() | Paid() | Voided():
            raise InvoiceIsNotADraft(command.invoice_id)


def finalize(invoice: Invoice, command: FinalizeInvoice) -> Sequence[InvoiceEvent]:
    """A draft with something on it becomes a legal document, exactly once; nothing due is paid at once."""
    match invoice:
        case Draft(lines=()):
            raise InvoiceIsEmpty(command.invoice_id)
        case Draft():
            document = _document(invoice, command)
            return [document] if document.amount_due.minor else [document, _paid_without_payment(document)]
        case Finalized() | Paid():
            return []  # asked twice, done once
        case Voided():
            raise InvoiceIsNotADraft(command.invoice_id)
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)


def record_payment(invoice: Invoice, command: RecordPayment) -> Sequence[InvoiceEvent]:
    """The whole amount due settles it; on a voided one it is for payments to give the money back."""
    match invoice:
        case Finalized() if invoice.amount_due == command.amount:
            return [
                InvoicePaid(
                    invoice_id=command.invoice_id,
                    customer_id=invoice.customer_id,
                    payment_id=command.payment_id,
                    amount=command.amount,
                    paid_at=command.now,
                )
            ]
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
    """Anything but nothing can be taken back, once; what was paid on it is refunded by payments."""
    match invoice:
        case Draft():
            return [_voided(command, invoice.customer_id, Money.zero(invoice.currency))]
        case Finalized():
            return [_voided(command, invoice.customer_id, invoice.amount_due)]
        case Paid():
            return [_voided(command, invoice.document.customer_id, invoice.document.amount_due)]
        case Voided():
            return []
        case NoInvoice():
            raise InvoiceIsUnknown(command.invoice_id)


INVOICE: Decider[Invoice, InvoiceCommand, InvoiceEvent] = Decider(NoInvoice(), decide, evolve)


def _document(invoice: Draft, command: FinalizeInvoice) -> InvoiceFinalized:
    totals = invoice_totals(invoice.lines, invoice.currency, command.tax_rate)
    return InvoiceFinalized(
        invoice_id=command.invoice_id,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id,
        number=command.number,
        lines=invoice.lines,
        taxes=totals.taxes,
        subtotal=totals.subtotal,
        tax=totals.tax,
        total=totals.total,
        amount_due=totals.amount_due,
        finalized_at=command.now,
    )


def _paid_without_payment(document: InvoiceFinalized) -> InvoicePaid:
    return InvoicePaid(
        invoice_id=document.invoice_id,
        customer_id=document.customer_id,
        payment_id=None,
        amount=document.amount_due,
        paid_at=document.finalized_at,
    )


def _voided(command: VoidInvoice, customer_id: str, amount_due: Money) -> InvoiceVoided:
    return InvoiceVoided(
        invoice_id=command.invoice_id,
        customer_id=customer_id,
        amount_due=amount_due,
        reason=command.reason,
        voided_at=command.now,
    )
