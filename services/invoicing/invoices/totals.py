"""The document of a draft, with its totals: sums of rounded parts (billing rule 2)."""

from services.invoicing.invoices.commands import FinalizeInvoice
from services.invoicing.invoices.state import Draft
from services.invoicing.tax.decider import taxes_on
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.money import Money, total


def document_of(draft: Draft, command: FinalizeInvoice) -> InvoiceFinalized:
    """The document of a draft: subtotal - discounts + tax = total (billing rule 6).

    The amount due is at least zero; the customer's credit pays what it can (billing rule 12).
    """
    subtotal = total((line.amount for line in draft.lines), draft.currency)
    base = discounted_subtotal(draft)
    taxes = taxes_on(base, command.tax_rate)
    tax = total((each.amount for each in taxes), draft.currency)
    with_tax = base + tax
    due = max(with_tax.minor, 0)
    credit = min(due, command.credit_available)
    return InvoiceFinalized(
        invoice_id=command.invoice_id,
        customer_id=draft.customer_id,
        subscription_id=draft.subscription_id,
        number=command.number,
        lines=draft.lines,
        taxes=taxes,
        subtotal=subtotal,
        tax=tax,
        total=with_tax,
        amount_due=Money(due - credit, draft.currency),
        finalized_at=command.now,
        discounts=draft.discounts,
        credit_applied=Money(credit, draft.currency) if credit else None,
    )


def discounted_subtotal(draft: Draft) -> Money:
    """The sum of a draft's lines less its discounts: what is taxed."""
    lines = total((line.amount for line in draft.lines), draft.currency)
    return lines - total((one.amount for one in draft.discounts), draft.currency)
