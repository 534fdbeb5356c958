"""What a contract does to an invoice: volume discount, draw from a prepaid commitment, and overage.

All three are functions of sums over the period: each invoice gets the difference between the new sum and what
earlier invoices got. So the sums do not depend on the order of invoices, and each is rounded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Self

from shared.billing.allocation import allocate
from shared.billing.contracts.invoicing.commitments import CommitmentInvoiceCounted
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.contracts import ContractKind, Overage, VolumeDiscount
from shared.billing.money import EXACT, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAmounts:
    """Minor units of one invoice or of several, as in CommitmentInvoiceCounted."""

    charged: int = 0
    usage: int = 0
    discount: int = 0
    drawn: int = 0
    overage: int = 0

    @classmethod
    def of(cls, event: CommitmentInvoiceCounted) -> Self:
        """The amounts of an invoice."""
        return cls(**{one.name: getattr(event, one.name).minor for one in fields(cls)})

    def __add__(self, other: "ContractAmounts") -> "ContractAmounts":
        """The sums."""
        sums = {one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        return ContractAmounts(**sums)

    def money(self, currency: str) -> dict[str, Money]:
        """The amounts in a currency, by name."""
        return {one.name: Money(getattr(self, one.name), currency) for one in fields(self)}

    def counted(self, kind: ContractKind) -> int:
        """What counts toward a commitment: everything after discount, or usage, or what was drawn."""
        match kind:
            case ContractKind.MINIMUM:
                return self.charged - self.discount
            case ContractKind.POSTPAID:
                return self.usage
            case ContractKind.PREPAID:
                return self.drawn


def amounts_of(
    lines: Sequence[InvoiceLine],
    before: ContractAmounts,
    commitment: Money,
    kind: ContractKind,
    discounts: Sequence[VolumeDiscount],
    overage: Overage | None,
) -> ContractAmounts:
    """The amounts of an invoice with these lines, after earlier invoices with `before` in sum."""
    charged = sum(map(left_of, lines))
    given = _discount(before.charged + charged, discounts, commitment.currency)
    discount = _within(given - before.discount, 0, charged)
    net = net_usage(lines, Money(discount, commitment.currency))
    usage = sum(net.values())
    after = before.usage + usage
    drawn = 0
    if kind is ContractKind.PREPAID:
        drawn = _within(min(commitment.minor, after) - before.drawn, 0, usage)
    more = 0
    if overage is not None and overage.multiplier is not None:
        more = _multiplied(max(0, after - commitment.minor), overage.multiplier) - before.overage
    elif overage is not None:
        room = max(0, commitment.minor - before.usage)
        more = _difference(overage_units(lines, net, room, overage.unit_prices), commitment.currency)
    return ContractAmounts(
        charged=charged,
        usage=usage,
        discount=discount,
        drawn=drawn,
        overage=max(more, min(0, discount + drawn - charged)),  # no invoice falls below zero by it
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverageUnits:
    """The units of a line beyond the commitment: what they cost on the line, and at the overage price.

    `units` are the part of the line's quantity that its amount beyond the commitment is of its amount.
    """

    line: InvoiceLine
    units: Decimal
    on_line: Money
    unit_price: Decimal


def overage_units(
    lines: Sequence[InvoiceLine], net: Mapping[str, int], room: int, unit_prices: Mapping[str, Decimal]
) -> Sequence[OverageUnits]:
    """The units beyond the commitment of lines that have an overage price.

    Lines use what is left of the commitment (`room`, minor units) in their order.
    """
    found = []
    for line in lines:
        amount = net.get(line.line_id, 0)
        within = _within(room, 0, max(0, amount))
        room -= within
        price = unit_prices.get(line.charge_key or "")
        if amount > within and price is not None:
            with localcontext(EXACT):
                units = round(line.quantity * (amount - within) / amount, 12).normalize()
            beyond = Money(amount - within, line.amount.currency)
            found.append(OverageUnits(line=line, units=units, on_line=beyond, unit_price=price))
    return found


def left_of(line: InvoiceLine) -> int:
    """Minor units of a line after its coupons."""
    return line.amount.minor - sum(one.amount.minor for one in line.discounts)


def net_usage(lines: Sequence[InvoiceLine], discount: Money) -> Mapping[str, int]:
    """Minor units of each line with a meter, by line id, less its share of the discount (billing rule 2)."""
    parts = shares(lines, discount)
    return {
        line.line_id: left_of(line) - (parts[line.line_id].minor if parts else 0)
        for line in lines
        if line.meter_key is not None
    }


def shares(lines: Sequence[InvoiceLine], discount: Money) -> Mapping[str, Money]:
    """The parts of a discount by line id, in proportion to what coupons leave; none of a discount of zero."""
    weights = {line.line_id: max(0, left_of(line)) for line in lines}
    return allocate(discount, weights) if discount.minor else {}


def discounted_parts(
    charged: Money, discounts: Sequence[VolumeDiscount]
) -> Sequence[tuple[VolumeDiscount, Decimal]]:
    """The parts of an amount in major units to which each rate applies, without those that are empty."""
    with localcontext(EXACT):
        uppers = [*(one.above for one in discounts[1:]), max(charged.major, Decimal(0))]
        parts = [
            (one, min(upper, charged.major) - one.above)
            for one, upper in zip(discounts, uppers, strict=False)
        ]
    return [(one, part) for one, part in parts if part > 0]


def _discount(charged: int, discounts: Sequence[VolumeDiscount], currency: str) -> int:
    with localcontext(EXACT):
        parts = discounted_parts(Money(charged, currency), discounts)
        exact = sum((one.rate * part for one, part in parts), start=Decimal(0))
    return Money.rounded(exact, currency).minor


def _difference(beyond: Sequence[OverageUnits], currency: str) -> int:
    """What units beyond the commitment cost more at the overage price, in minor units, rounded once."""
    with localcontext(EXACT):
        exact = sum((one.units * one.unit_price - one.on_line.major for one in beyond), start=Decimal(0))
    return Money.rounded(exact, currency).minor


def _multiplied(beyond: int, multiplier: Decimal) -> int:
    """What an amount beyond the commitment costs more at the multiplier, rounded half away from zero."""
    with localcontext(EXACT):
        return int((beyond * (multiplier - 1)).to_integral_value(ROUND_HALF_UP))


def _within(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
