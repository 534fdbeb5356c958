"""The dynamic price: the usage events carry the amount, which is multiplied."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, checked_price, rating_step
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import in_field


class Dynamic(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="dynamic"):
    """What the meter counted is an amount in major units; it is billed `multiplier` times (1: as it is)."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    multiplier: Decimal = Decimal(1)

    def check(self) -> None:
        """Refuse a multiplier that cannot be a price."""
        with in_field("multiplier"):
            checked_price(self.multiplier)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step (vector V40); an amount below zero is billed as zero."""
        description = f"amount of the usage x {fixed_point(self.multiplier)}"
        return (rating_step(description, max(usage.quantity, Decimal(0)), self.multiplier),)

    def phrase(self, currency: str) -> str:
        """`the amount of the usage in USD, times 1.2`."""
        times = "" if self.multiplier == 1 else f", times {fixed_point(self.multiplier)}"
        return f"the amount of the usage in {currency}{times}"
