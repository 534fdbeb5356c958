"""The states of an invoice, and the state after each event."""

from dataclasses import dataclass, replace

from shared.billing.contracts.invoicing.invoices import (
    InvoiceDiscount,
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
    InvoicePaid,
    InvoiceVoided,
)
from shared.framework.core.refusals import ImpossibleHistory

InvoiceEvent = InvoiceDrafted | InvoiceLinesRated | InvoiceFinalized | InvoicePaid | InvoiceVoided


@dataclass(frozen=True, slots=True)
class NoInvoice:
    """No invoice was drafted under this id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice without a number; its lines may be replaced."""

    customer_id: str
    currency: str
    subscription_id: str | None
    lines: tuple[InvoiceLine, ...] = ()
    discounts: tuple[InvoiceDiscount, ...] = ()


@dataclass(frozen=True, slots=True)
class Finalized:
    """A numbered document that is not paid."""

    document: InvoiceFinalized


@dataclass(frozen=True, slots=True)
class Paid:
    """A document on which nothing is owed any more; `payment_id` is None when nothing was due."""

    document: InvoiceFinalized
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Voided:
    """An invoice that is not owed; `document` (None for a voided draft) keeps its number."""

    document: InvoiceFinalized | None


Invoice = NoInvoice | Draft | Finalized | Paid | Voided


def evolve(invoice: Invoice, event: InvoiceEvent) -> Invoice:
    """The state after an event."""
    match invoice, event:
        case NoInvoice(), InvoiceDrafted():
            return Draft(event.customer_id, event.currency, event.subscription_id)
        case Draft(), InvoiceLinesRated():
            return replace(invoice, lines=event.lines, discounts=event.discounts)
        case Draft(), InvoiceFinalized():
            return Finalized(event)
        case Finalized(), InvoicePaid():
            return Paid(invoice.document, event.payment_id)
        case Draft(), InvoiceVoided():
            return Voided(None)
        case ((Finalized(document=document) | Paid(document=document)), InvoiceVoided()):
            return Voided(document)
    raise ImpossibleHistory(invoice, event)
