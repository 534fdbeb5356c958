"""Discounts on the lines of an invoice: percentages of what is left, then fixed amounts (billing rule 6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

import msgspec

from shared.billing.allocation import allocate
from shared.billing.money import CurrenciesDiffer, Money


class PercentageOff(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="percentage"):
    """A part of what is left of the lines: above 0 and at most 100 per cent."""

    percent: Decimal


class AmountOff(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """An amount once per invoice, and never more than is left of the lines."""

    amount: Money


Reduction = PercentageOff | AmountOff


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """A reduction of the lines of these charges (of all lines, if there are none); the id is the coupon's."""

    discount_id: str
    name: str
    reduction: Reduction
    charge_keys: tuple[str, ...] = ()

    def covers(self, charge_key: str | None) -> bool:
        """Whether lines of this charge are reduced."""
        return not self.charge_keys or charge_key in self.charge_keys


class DiscountableLine(Protocol):
    """What a discount needs of an invoice line."""

    @property
    def line_id(self) -> str:
        """The key of the line, which decides ties."""

    @property
    def charge_key(self) -> str | None:
        """The charge that the line bills."""

    @property
    def amount(self) -> Money:
        """The rounded amount before any discount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedDiscount:
    """What a discount takes off an invoice: the sum of its parts, which are above zero, by line."""

    discount: Discount
    amount: Money
    parts: dict[str, Money]


def apply_discounts(
    lines: Sequence[DiscountableLine], discounts: Iterable[Discount]
) -> tuple[AppliedDiscount, ...]:
    """What each discount takes off the lines, in the order of application; without those that take nothing.

    Percentages come first, each on what is left, in the order of their ids. What those of a line take
    together is rounded once over all lines with the same percentages, so two of 10% are 19% (vector V38) in
    any order. Fixed amounts follow in the order given, down to zero. Each is spread over its lines by the
    largest remainder (vector V8). Lines of zero or less (credits) are not reduced.
    Raises CurrenciesDiffer.
    """
    open_lines = _OpenLines([line for line in lines if line.amount.minor > 0])
    found = list(discounts)
    percentages = sorted(
        (one for one in found if isinstance(one.reduction, PercentageOff)), key=lambda one: one.discount_id
    )
    for group in open_lines.alike(percentages):
        _reduce_by_percentages(
            open_lines, group, [one for one in percentages if one.covers(group[0].charge_key)]
        )
    for one in found:
        if isinstance(one.reduction, AmountOff):
            _reduce_by_amount(open_lines, one, one.reduction.amount)
    order = [*percentages, *(one for one in found if isinstance(one.reduction, AmountOff))]
    return tuple(applied for one in order if (applied := open_lines.taken_by(one)) is not None)


class _OpenLines:
    """Lines, what is left of each, and what each discount has taken of it."""

    def __init__(self, lines: Sequence[DiscountableLine]) -> None:
        self.lines = lines
        self.left = {line.line_id: line.amount for line in lines}
        self.taken: dict[str, dict[str, Money]] = {}

    def alike(self, discounts: Sequence[Discount]) -> Iterable[Sequence[DiscountableLine]]:
        """The lines in groups, of which each discount covers all or none."""
        groups: dict[tuple[bool, ...], list[DiscountableLine]] = {}
        for line in self.lines:
            groups.setdefault(tuple(one.covers(line.charge_key) for one in discounts), []).append(line)
        return groups.values()

    def take(self, discount: Discount, lines: Sequence[DiscountableLine], amount: Money) -> None:
        """Spread an amount, of at most what is left of these lines, in proportion to what is left of each."""
        if not amount.minor:
            return
        parts = allocate(amount, {line.line_id: self.left[line.line_id].minor for line in lines})
        for key, part in parts.items():
            if part.minor:
                self.left[key] -= part
                self.taken.setdefault(discount.discount_id, {})[key] = part

    def taken_by(self, discount: Discount) -> AppliedDiscount | None:
        """What the discount took; None for nothing."""
        if (parts := self.taken.get(discount.discount_id)) is None:
            return None
        amount = sum(parts.values(), start=Money.zero(next(iter(parts.values())).currency))
        return AppliedDiscount(discount=discount, amount=amount, parts=parts)


def _reduce_by_percentages(
    open_lines: _OpenLines, lines: Sequence[DiscountableLine], discounts: Sequence[Discount]
) -> None:
    """Reduce lines that have the same percentages: rounded is the sum of all until now, never each alone."""
    currency = lines[0].amount.currency
    whole, kept, taken = sum(line.amount.minor for line in lines), Fraction(1), Money.zero(currency)
    for one in discounts:
        if isinstance(one.reduction, PercentageOff):
            kept *= 1 - Fraction(one.reduction.percent) / 100
            until_now = Money.nearest(whole * (1 - kept), currency)
            open_lines.take(one, lines, until_now - taken)
            taken = until_now


def _reduce_by_amount(open_lines: _OpenLines, discount: Discount, amount: Money) -> None:
    lines = [line for line in open_lines.lines if discount.covers(line.charge_key)]
    left = sum(open_lines.left[line.line_id].minor for line in lines)
    if lines and lines[0].amount.currency != amount.currency:
        raise CurrenciesDiffer(f"{lines[0].amount.currency} and {amount.currency}")
    open_lines.take(discount, lines, Money(min(amount.minor, left), amount.currency))
