"""The lines that a contract adds to an invoice, with steps from which a reader computes them again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.invoicing.commitments.amounts import (
    ContractAmounts,
    discounted_parts,
    net_usage,
    overage_units,
    shares,
)
from shared.billing.contracts.invoicing.invoices import InvoiceDiscount, InvoiceLine, LineDiscount
from shared.billing.contracts.subscriptions.contracts import Overage, VolumeDiscount
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import RatingStep, exact_sum
from shared.billing.pricing.model import rating_step
from shared.framework.core.ids import derived_id

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractInvoice:
    """An invoice under a contract: its lines that count in a period, and the amounts before and of it."""

    invoice_id: str
    commitment_id: str
    contract_id: str
    contract_name: str
    period: Period
    commitment: Money
    discounts: Sequence[VolumeDiscount]
    overage: Overage | None
    lines: Sequence[InvoiceLine]
    before: ContractAmounts
    amounts: ContractAmounts

    def money(self, minor: int) -> Money:
        """An amount in the currency of the contract."""
        return Money(minor, self.commitment.currency)


def contract_lines(invoice: ContractInvoice) -> tuple[InvoiceLine, ...]:
    """The draw and the overage of an invoice; only those that are not zero."""
    made = [
        _line(invoice, "drawn from the prepaid commitment", -invoice.amounts.drawn, _draw_steps(invoice)),
        _line(invoice, "overage beyond the commitment", invoice.amounts.overage, _overage_steps(invoice)),
    ]
    return tuple(line for line in made if line.amount.minor)


def volume_discount(
    invoice: ContractInvoice,
) -> tuple[InvoiceDiscount | None, Mapping[str, LineDiscount]]:
    """The volume discount of an invoice, and its parts by line id; None if it is zero.

    Its name has the sum from which a reader computes it again.
    """
    amount = invoice.money(invoice.amounts.discount)
    if not amount.minor:
        return None, {}
    charged = invoice.money(invoice.before.charged + invoice.amounts.charged)
    parts = discounted_parts(charged, invoice.discounts)
    terms = " + ".join(f"{one.rate:f} x {part:f}" for one, part in parts)
    had = invoice.money(invoice.before.discount).major
    what = f"{invoice.contract_name}: volume discount ({invoice.contract_id})"
    discount = InvoiceDiscount(
        discount_id=invoice.commitment_id,
        name=f"{what} on {charged}: {terms} - {had:f}",
        amount=amount,
    )
    return discount, {
        line_id: LineDiscount(discount_id=invoice.commitment_id, amount=share)
        for line_id, share in shares(invoice.lines, amount).items()
        if share.minor
    }


def line_of_steps(
    invoice_id: str, contract_id: str, what: str, amount: Money, steps: tuple[RatingStep, ...], period: Period
) -> InvoiceLine:
    """A line of a contract; what its steps do not come to is a last step."""
    rest = amount - Money.rounded(exact_sum(steps), amount.currency)
    if rest.minor:
        steps = (*steps, rating_step("not on this invoice", ONE, rest.major))
    return InvoiceLine(
        line_id=derived_id("lin", invoice_id, contract_id, period.start.isoformat(), what),
        charge_key=None,
        description=what,
        quantity=ONE,
        amount=amount,
        steps=steps,
        period=period,
    )


def _line(invoice: ContractInvoice, what: str, minor: int, steps: tuple[RatingStep, ...]) -> InvoiceLine:
    described = f"{invoice.contract_name}: {what} ({invoice.contract_id})"
    amount = invoice.money(minor)
    return line_of_steps(invoice.invoice_id, invoice.contract_id, described, amount, steps, invoice.period)


def _draw_steps(invoice: ContractInvoice) -> tuple[RatingStep, ...]:
    drawn = invoice.money(invoice.amounts.drawn)
    description = f"of {invoice.commitment}, {invoice.money(invoice.before.drawn)} drawn before"
    return (rating_step(description, ONE, -drawn.major),)


def _overage_steps(invoice: ContractInvoice) -> tuple[RatingStep, ...]:
    overage = invoice.overage
    if overage is None:
        return ()
    if overage.multiplier is None:
        return tuple(_unit_price_steps(invoice, overage))
    usage = invoice.money(invoice.before.usage + invoice.amounts.usage)
    beyond = invoice.money(max(0, usage.minor - invoice.commitment.minor))
    return (
        rating_step(f"usage of {usage} beyond {invoice.commitment}", beyond.major, overage.multiplier),
        rating_step("billed at its own price", beyond.major, -ONE),
        rating_step("overage of earlier invoices", ONE, -invoice.money(invoice.before.overage).major),
    )


def _unit_price_steps(invoice: ContractInvoice, overage: Overage) -> Iterator[RatingStep]:
    net = net_usage(invoice.lines, invoice.money(invoice.amounts.discount))
    room = max(0, invoice.commitment.minor - invoice.before.usage)
    for one in overage_units(invoice.lines, net, room, overage.unit_prices):
        yield rating_step(f"{one.line.description}: units beyond the commitment", one.units, one.unit_price)
        yield rating_step(f"{one.line.description}: billed at its own price", ONE, -one.on_line.major)
