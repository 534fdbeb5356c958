"""The graduated price: each tier's units at its price, and its fee once it is entered (billing rule 3)."""

from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail
from shared.billing.pricing.tiers import Tier, check_tiers, graduated_steps
from shared.billing.pricing.wording import per_unit, tier_list


class Graduated(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="graduated"):
    """Every unit at the price of its tier; `flat_at_zero`: the first tier's fee is due even without usage."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    tiers: tuple[Tier, ...]
    flat_at_zero: bool = True

    def check(self) -> None:
        """Refuse invalid amounts, bounds that do not rise, and too many tiers."""
        check_tiers(self.tiers)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step per tier that the quantity reaches, the lowest first (vectors V13, V14, V18)."""
        tiers = [(tier, tier.unit_price, tier.flat_fee) for tier in self.tiers]
        return graduated_steps(tiers, usage.quantity, flat_at_zero=self.flat_at_zero)

    def phrase(self, currency: str) -> str:
        """`0.02 USD per unit up to 100, then 0.01 USD per unit above`."""
        tiers = [(tier.up_to, per_unit(tier.unit_price, tier.flat_fee, currency)) for tier in self.tiers]
        return tier_list(tiers, ", then ")
