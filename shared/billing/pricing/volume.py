"""The volume price: all units at the price of the tier in which the total lies (billing rule 3)."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, rating_step
from shared.billing.pricing.tiers import Tier, check_tiers, tier_of
from shared.billing.pricing.wording import per_unit, tier_list


class Volume(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="volume"):
    """All units at the price of one tier, and its fee; `flat_at_zero`: the first tier's fee is due at zero.

    The amount may fall when usage rises into a cheaper tier.
    """

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    tiers: tuple[Tier, ...]
    flat_at_zero: bool = True

    def check(self) -> None:
        """Refuse invalid amounts, bounds that do not rise, and too many tiers."""
        check_tiers(self.tiers)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step (vector V16); none for no usage if its fee is not due."""
        quantity = max(usage.quantity, Decimal(0))
        if not quantity and not self.flat_at_zero:
            return ()
        tier, bounds = tier_of(self.tiers, quantity)
        return (rating_step(f"all units in tier {bounds}", quantity, tier.unit_price, tier.flat_fee),)

    def phrase(self, currency: str) -> str:
        """`all units at the tier of the total: 2 USD per unit up to 100, 1 USD per unit above`."""
        tiers = [(tier.up_to, per_unit(tier.unit_price, tier.flat_fee, currency)) for tier in self.tiers]
        return "all units at the tier of the total: " + tier_list(tiers, ", ")
