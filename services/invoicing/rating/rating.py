"""Invoice lines from prices and quantities: exact steps, and one rounding per line (billing rule 1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import PerUnit, RatingStep, Usage, UsageDetail, exact_sum, rate_usages
from shared.billing.proration import Proration, share_of
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import Refusal, RefusalKind


class UsageDetailIsMissing(Refusal):
    """The reading has the meter's usage, but not in the detail that the price needs."""

    code = "usage-detail-missing"
    kind = RefusalKind.UNPROCESSABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingContext:
    """What rating needs of a closed period; the days of `full_period` are a denominator (billing rule 9)."""

    invoice_id: str
    currency: str
    time_zone: str
    period: Period
    full_period: Period
    proration: Proration = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOffLine:
    """A line of a one-off invoice: `quantity` at `unit_price` (major units, up to 12 numbers)."""

    description: str
    quantity: Decimal
    unit_price: Decimal


def lines_of_period(
    context: RatingContext, charges: Iterable[Charge], quantities: Sequence[MeterQuantity]
) -> tuple[InvoiceLine, ...]:
    """One line per charge, in the plan's order; one per combination of dimensions if its meter has them.

    A charge without a meter is due for the local days of the period, and so are the minimum and the maximum
    of a charge of usage; usage itself is never prorated.
    """
    return tuple(line for charge in charges for line in _lines_of(context, charge, quantities))


def lines_of_items(invoice_id: str, currency: str, items: Sequence[OneOffLine]) -> tuple[InvoiceLine, ...]:
    """One line per item, in the order of the items."""
    return tuple(_item_line(invoice_id, currency, number, item) for number, item in enumerate(items, start=1))


def _lines_of(
    context: RatingContext, charge: Charge, quantities: Sequence[MeterQuantity]
) -> Sequence[InvoiceLine]:
    price = charge.price
    share = share_of(context.period, context.full_period, context.time_zone, context.proration)
    if not price.needs_meter:
        steps = price.rate_prorated(share)
        return [_line(context, charge, {}, steps[0].quantity, steps)]
    usages = _usages(charge.meter_key, price.usage_detail, quantities)
    rated = rate_usages(price, charge, usages, context.currency, share)
    return [
        _minimum_line(context, charge, steps)
        if usage is None
        else _line(context, charge, usage.dimensions, usage.quantity, steps)
        for usage, steps in rated
    ]


def _usages(
    meter_key: str | None, detail: UsageDetail, quantities: Sequence[MeterQuantity]
) -> Sequence[Usage]:
    """The meter's usage in the detail that the price needs, by dimensions; zero if nothing was counted."""
    of_meter = [each for each in quantities if each.meter_key == meter_key]
    read = sorted(
        (each for each in of_meter if each.detail == detail), key=lambda each: sorted(each.dimensions.items())
    )
    if of_meter and not read:
        raise UsageDetailIsMissing(f"{detail} of {meter_key}")
    for each in read:
        if each.parts_missing is not None:
            raise UsageDetailIsMissing(f"{detail} of {meter_key}: {each.parts_missing}")
    usages = [Usage(quantity=each.quantity, parts=each.parts, dimensions=each.dimensions) for each in read]
    return usages or [Usage(quantity=Decimal(0))]


def _line(
    context: RatingContext,
    charge: Charge,
    dimensions: dict[str, str],
    quantity: Decimal,
    steps: tuple[RatingStep, ...],
) -> InvoiceLine:
    labels = [f"{name}={value}" for name, value in dimensions.items()]
    return InvoiceLine(
        line_id=derived_id("lin", context.invoice_id, charge.key, *labels),
        charge_key=charge.key,
        description=f"{charge.name} ({', '.join(labels)})" if labels else charge.name,
        quantity=quantity,
        amount=Money.rounded(exact_sum(steps), context.currency),
        steps=steps,
        period=context.period,
        meter_key=charge.meter_key,
        sentence=charge.sentence(context.currency),
    )


def _minimum_line(context: RatingContext, charge: Charge, steps: tuple[RatingStep, ...]) -> InvoiceLine:
    """What is missing to the minimum of a charge with several lines; it is of none of its dimensions."""
    line = _line(context, charge, {}, Decimal(0), steps)
    line_id = derived_id("lin", context.invoice_id, charge.key, "", "minimum")
    return msgspec.structs.replace(line, line_id=line_id, description=f"{charge.name} (minimum)")


def _item_line(invoice_id: str, currency: str, number: int, item: OneOffLine) -> InvoiceLine:
    steps = PerUnit(unit_price=item.unit_price).rate(Usage(quantity=item.quantity))
    return InvoiceLine(
        line_id=derived_id("lin", invoice_id, str(number)),
        charge_key=None,
        description=item.description,
        quantity=item.quantity,
        amount=Money.rounded(exact_sum(steps), currency),
        steps=steps,
    )
