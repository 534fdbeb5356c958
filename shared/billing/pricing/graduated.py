"""The graduated price: each tier's units at its price, and its fee once it is entered (billing rule 3)."""

from decimal import Decimal, localcontext
from typing import ClassVar, Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, checked_price, rating_step
from shared.framework.core.refusals import Refusal, RefusalKind, in_field

TIERS_MAX = 100
"""Tiers of one price; it is copied into the events of every period that it bills, so it must be short."""


class TiersAreInvalid(Refusal):
    """Tiers need rising positive upper bounds, only the last one open, and there are at most 100."""

    code = "tiers-invalid"
    kind = RefusalKind.INVALID


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """Units above the previous tier up to `up_to` (inclusive; null: no bound), and a fee on entering it."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_fee: Decimal = Decimal(0)

    def check(self, floor: Decimal, *, is_last: bool) -> Decimal:
        """Refuse invalid amounts and a bound that is not above `floor`; returns the next tier's floor."""
        for name, amount in (("unit_price", self.unit_price), ("flat_fee", self.flat_fee)):
            with in_field(name):
                checked_price(amount)
        with in_field("up_to"):
            bound = None if self.up_to is None else checked_price(self.up_to)
            if (bound is None) != is_last or (bound is not None and bound <= floor):
                raise TiersAreInvalid(f"{bound} after {floor}")
        return floor if bound is None else bound


class Graduated(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="graduated"):
    """Every unit at the price of its tier; `flat_at_zero`: the first tier's fee is due even without usage."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    tiers: tuple[Tier, ...]
    flat_at_zero: bool = True

    def check(self) -> None:
        """Refuse invalid amounts, bounds that do not rise, and too many tiers."""
        with in_field("tiers"):
            if not 1 <= len(self.tiers) <= TIERS_MAX:
                raise TiersAreInvalid(f"{len(self.tiers)} tiers")
            floor = Decimal(0)
            for index, tier in enumerate(self.tiers):
                with in_field(index):
                    floor = tier.check(floor, is_last=index == len(self.tiers) - 1)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step per tier that the quantity reaches, the lowest first (vectors V13, V14, V18)."""
        quantity = usage.quantity
        steps, floor = [], Decimal(0)
        for tier in self.tiers:
            units = _units_between(floor, quantity if tier.up_to is None else min(quantity, tier.up_to))
            if units > 0 or (self.flat_at_zero and floor == 0 and tier.flat_fee):
                steps.append(_step(tier, floor, units))
            if tier.up_to is None or quantity <= tier.up_to:
                break
            floor = tier.up_to
        return tuple(steps)


def _units_between(floor: Decimal, reached: Decimal) -> Decimal:
    with localcontext(EXACT):
        return max(reached - floor, Decimal(0))


def _step(tier: Tier, floor: Decimal, units: Decimal) -> RatingStep:
    reach = f"above {floor}" if tier.up_to is None else f"{floor} to {tier.up_to}"
    return rating_step(reach, units, tier.unit_price, tier.flat_fee)
