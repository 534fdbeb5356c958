"""The totals of an invoice: sums of its rounded parts (billing rule 2)."""

from dataclasses import dataclass

from services.invoicing.tax.decider import TaxRate, taxes_on
from shared.billing.contracts.invoicing.invoices import InvoiceLine, TaxAmount
from shared.billing.money import Money, total


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """The amounts of an invoice: subtotal + tax = total; `amount_due` is never negative (billing rule 12)."""

    subtotal: Money
    taxes: tuple[TaxAmount, ...]
    tax: Money
    total: Money
    amount_due: Money


def invoice_totals(lines: tuple[InvoiceLine, ...], currency: str, tax_rate: TaxRate | None) -> InvoiceTotals:
    """The totals of rounded lines: their sum, the tax on it, and what is due of both."""
    subtotal = total((line.amount for line in lines), currency)
    taxes = taxes_on(subtotal, tax_rate)
    tax = total((each.amount for each in taxes), currency)
    whole = subtotal + tax
    return InvoiceTotals(
        subtotal=subtotal,
        taxes=taxes,
        tax=tax,
        total=whole,
        amount_due=whole if whole.minor > 0 else Money.zero(currency),
    )
