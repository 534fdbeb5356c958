"""Invoice lines of billing items: a quantity of a charge for a period, or a part of it (billing rule 9)."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec

from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.money import EXACT, Money
from shared.billing.pricing import RatingStep, Usage, exact_sum
from shared.billing.pricing.model import prorated_step, rating_step
from shared.billing.proration import WHOLE, Proration, share_of
from shared.framework.core.ids import derived_id


def lines_of_billing_items(
    invoice_id: str, currency: str, time_zone: str, proration: Proration, items: Iterable[BillingItem]
) -> list[tuple[BillingItem, InvoiceLine]]:
    """The line of each item; that of a credit is negative, and not limited yet."""
    return [(item, _line(invoice_id, currency, item, _steps(item, time_zone, proration))) for item in items]


def limited(line: InvoiceLine, credit: Money, reason: str = "limited to what was paid") -> InvoiceLine:
    """The line of a credit of at most this amount; a last step says what is not given back, and why."""
    if line.amount == -credit:
        return line
    exact = exact_sum(line.steps)
    with localcontext(EXACT):
        rest = -credit.major - exact
    step = RatingStep(description=reason, quantity=Decimal(1), unit_price=rest, amount=rest)
    return msgspec.structs.replace(line, amount=-credit, steps=(*line.steps, step))


def less_discount(credit: InvoiceLine, billed: InvoiceLine) -> InvoiceLine:
    """The line of a credit in proportion to what the discounts on the billed line have left of it."""
    discount = sum(part.amount.minor for part in billed.discounts)
    if not discount:
        return credit
    left = Fraction(billed.amount.minor - discount, billed.amount.minor)
    amount = Money.nearest(-credit.amount.minor * left, credit.amount.currency)
    return limited(credit, amount, "less the discount that it was billed with")


def _line(invoice_id: str, currency: str, item: BillingItem, steps: tuple[RatingStep, ...]) -> InvoiceLine:
    charge = item.charge
    return InvoiceLine(
        line_id=derived_id("lin", invoice_id, item.item_id),
        charge_key=charge.key,
        description=charge.name if item.credit_of is None else f"{charge.name}, unused time",
        quantity=item.quantity,
        amount=Money.rounded(exact_sum(steps), currency),
        steps=steps,
        period=item.period,
        item_id=item.item_id,
        sentence=charge.sentence(currency),
    )


def _steps(item: BillingItem, time_zone: str, proration: Proration) -> tuple[RatingStep, ...]:
    price, share = item.charge.price, WHOLE
    whole: Sequence[RatingStep]
    if price.needs_meter:
        whole = price.rate(Usage(quantity=item.quantity))
    else:
        fees = price.rate_prorated(WHOLE)
        whole = [rating_step(fee.description, item.quantity, fee.unit_price) for fee in fees]
    if item.period is not None and item.full_period is not None:
        share = share_of(item.period, item.full_period, time_zone, proration)
    steps = tuple(prorated_step(step, share) for step in whole)
    return steps if item.credit_of is None else tuple(map(_given_back, steps))


def _given_back(step: RatingStep) -> RatingStep:
    with localcontext(EXACT):
        return msgspec.structs.replace(step, quantity=-step.quantity, amount=-step.amount, fee=-step.fee)
