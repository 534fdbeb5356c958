"""An invoice: a draft until it gets its number, then a document that is paid or taken back."""

from dataclasses import dataclass, replace

from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
)
from shared.billing.money import Money
from shared.framework.core.refusals import ImpossibleHistory

InvoiceEvent = InvoiceDrafted | InvoiceLinesRated | InvoiceFinalized | InvoicePaid | InvoiceVoided


@dataclass(frozen=True, slots=True)
class NoInvoice:
    """There is none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Without number or legal weight; its lines may still be replaced."""

    customer_id: str
    currency: str
    subscription_id: str | None
    lines: tuple[InvoiceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Finalized:
    """A legal document that waits for its money."""

    customer_id: str
    number: str
    total: Money
    amount_due: Money


@dataclass(frozen=True, slots=True)
class Paid:
    """Nothing is owed on it any more; `payment_id` is None when nothing was due."""

    document: Finalized
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Voided:
    """It is not owed; a document keeps its number."""

    document: Finalized | None


Invoice = NoInvoice | Draft | Finalized | Paid | Voided


def evolve(invoice: Invoice, event: InvoiceEvent) -> Invoice:
    """What is true after this event; it judges nothing, for the event has already happened."""
    match invoice, event:
        case NoInvoice(), InvoiceDrafted():
            return Draft(event.customer_id, event.currency, event.subscription_id)
        case Draft(), InvoiceLinesRated():
            return replace(invoice, lines=event.lines)
        case Draft(), InvoiceFinalized():
            return Finalized(event.customer_id, event.number, event.total, event.amount_due)
        case Finalized(), InvoicePaid():
            return Paid(invoice, event.payment_id)
        case Draft(), InvoiceVoided():
            return Voided(None)
        case Finalized(), InvoiceVoided():
            return Voided(invoice)
        case Paid(), InvoiceVoided():
            return Voided(invoice.document)
    raise ImpossibleHistory(invoice, event)
