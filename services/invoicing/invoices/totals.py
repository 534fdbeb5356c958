"""The document of a draft, with its totals: sums of rounded parts (billing rule 2)."""

from services.invoicing.invoices.commands import FinalizeInvoice
from services.invoicing.invoices.state import Draft
from services.invoicing.tax.decider import taxes_on
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.money import Money, total


def document_of(draft: Draft, command: FinalizeInvoice) -> InvoiceFinalized:
    """The document of a draft: subtotal + tax = total; the amount due is at least zero (billing rule 12)."""
    subtotal = total((line.amount for line in draft.lines), draft.currency)
    taxes = taxes_on(subtotal, command.tax_rate)
    tax = total((each.amount for each in taxes), draft.currency)
    with_tax = subtotal + tax
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
        amount_due=with_tax if with_tax.minor > 0 else Money.zero(draft.currency),
        finalized_at=command.now,
    )
