"""The graduated percentage: a percentage of the amount inside each tier, and a fee on entering it."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, checked_price, unit_price_of
from shared.billing.pricing.tiers import check_tiers, graduated_steps
from shared.billing.pricing.wording import percentage, tier_list
from shared.framework.core.refusals import in_field


class PercentageTier(msgspec.Struct, frozen=True, kw_only=True):
    """`percent` of the amount above the previous tier up to `up_to` (inclusive; null: no bound)."""

    up_to: Decimal | None
    percent: Decimal
    flat_fee: Decimal = Decimal(0)

    def check(self) -> None:
        """Refuse amounts that cannot be prices."""
        for name, amount in (("percent", self.percent), ("flat_fee", self.flat_fee)):
            with in_field(name):
                checked_price(amount)


class GraduatedPercentage(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="graduated_percentage"
):
    """What the meter counted is an amount; `flat_at_zero`: the first tier's fee is due even without usage."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    tiers: tuple[PercentageTier, ...]
    flat_at_zero: bool = True

    def check(self) -> None:
        """Refuse invalid amounts, bounds that do not rise, and too many tiers."""
        check_tiers(self.tiers)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step per tier that the amount reaches, the lowest first (vector V15)."""
        tiers = [(tier, unit_price_of(tier.percent), tier.flat_fee) for tier in self.tiers]
        return graduated_steps(tiers, usage.quantity, flat_at_zero=self.flat_at_zero)

    def phrase(self, currency: str) -> str:
        """`a share of the amount of the usage in USD: 1% up to 1000, then 0.5% above`."""
        tiers = [(tier.up_to, percentage(tier.percent, tier.flat_fee, currency)) for tier in self.tiers]
        return f"a share of the amount of the usage in {currency}: {tier_list(tiers, ', then ')}"
