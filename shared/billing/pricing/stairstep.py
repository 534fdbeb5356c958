"""The stairstep price: one amount for any number of units inside a tier."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, checked_price, rating_step
from shared.billing.pricing.tiers import check_tiers, tier_of
from shared.billing.pricing.wording import amount_of, tier_list
from shared.framework.core.refusals import in_field


class Stair(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` is due for a total above the previous stair up to `up_to` (inclusive; null: no bound)."""

    up_to: Decimal | None
    amount: Decimal

    def check(self) -> None:
        """Refuse an amount that cannot be a price."""
        with in_field("amount"):
            checked_price(self.amount)


class Stairstep(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="stairstep"):
    """The amount of the stair in which the total lies; `flat_at_zero`: the first one's is due at zero."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    tiers: tuple[Stair, ...]
    flat_at_zero: bool = True

    def check(self) -> None:
        """Refuse invalid amounts, bounds that do not rise, and too many stairs."""
        check_tiers(self.tiers)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step, whose fee is the amount; none for no usage if nothing is due then."""
        quantity = max(usage.quantity, Decimal(0))
        if not quantity and not self.flat_at_zero:
            return ()
        stair, bounds = tier_of(self.tiers, quantity)
        return (rating_step(bounds, quantity, Decimal(0), stair.amount),)

    def phrase(self, currency: str) -> str:
        """`10 USD up to 100, 15 USD above`."""
        return tier_list([(stair.up_to, amount_of(stair.amount, currency)) for stair in self.tiers], ", ")
