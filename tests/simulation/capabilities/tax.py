"""Tax: the rate changes; an invoice has the one in force when it was finalized (billing rule 8)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.contracts.invoicing.tax import TaxRateSet
from shared.framework.eventstore.records import EventRecord
from tests.simulation.capability import Capability, Life
from tests.simulation.client import Client, Request
from tests.simulation.facts import Facts
from tests.simulation.plain_model import minor
from tests.simulation.plan import Step

RACE = timedelta(seconds=30)
RATES = ("0.19", "0.0825", "0.2", "0", "0.005")


def plan(life: Life) -> None:
    """Up to three rates for each tenant."""
    for tenant in life.tenants:
        for _ in range(life.dice.below(4)):
            body = {"name": "VAT", "rate": life.dice.one_of(RATES), "source": "office"}
            life.add(life.dice.between(60, life.end), "tax", "set", tenant=tenant, body=body)


async def set_rate(client: Client, step: Step) -> bool:
    """Set the rate."""
    tenant, body = step.arguments["tenant"], step.arguments["body"]
    return (await client.send(Request("invoicing", tenant, "PUT", "/v1/tax-rate", body, key=step.name))).is_ok


def taxed(facts: Facts) -> Iterator[str]:
    """The tax of an invoice is its subtotal less the discounts times the rate of then, rounded once.

    A rate that is set while the invoice is finalized may count or not.
    """
    rates: dict[str, list[tuple[EventRecord, TaxRateSet]]] = {}
    for record, event in facts.all(TaxRateSet):
        rates.setdefault(record.tenant_id, []).append((record, event))
    for record, invoice in facts.all(InvoiceFinalized):
        before = [one for one in rates.get(record.tenant_id, []) if one[0].position < record.position]
        settled = [one for one in before if one[0].recorded_at < record.recorded_at - RACE]
        allowed = {_tax(invoice, [rate for _, rate in known]) for known in (before, settled)}
        if invoice.tax.minor not in allowed or invoice.total.minor != _base(invoice) + invoice.tax.minor:
            yield f"invoice {invoice.invoice_id} of {invoice.finalized_at} has {invoice.tax}, not {allowed}"


def _tax(invoice: InvoiceFinalized, known: Sequence[TaxRateSet]) -> int:
    """By the last rate set by then; before the first one that one counts."""
    in_force = [rate for rate in known if rate.set_at <= invoice.finalized_at] or list(known[:1])
    if not in_force:
        return 0
    currency = invoice.subtotal.currency
    rate, unit = Fraction(in_force[-1].rate), minor(Fraction(1), currency)
    return minor(Fraction(_base(invoice), unit) * rate, currency)


def _base(invoice: InvoiceFinalized) -> int:
    return invoice.subtotal.minor - sum(one.amount.minor for one in invoice.discounts)


CAPABILITY = Capability(
    name="tax", order=15, plan=plan, actions={"set": set_rate}, checks={"billing rule 8": taxed}
)
