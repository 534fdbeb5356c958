"""The per-unit price: every unit at one price."""

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from shared.billing.pricing.model import RatingStep, Usage, UsageDetail, checked_price, rating_step
from shared.billing.pricing.wording import per_unit
from shared.framework.core.refusals import in_field


class PerUnit(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="per_unit"):
    """`unit_price` in major units of the plan's currency, up to 12 places."""

    needs_meter: ClassVar[Literal[True]] = True
    usage_detail: ClassVar[UsageDetail] = UsageDetail.TOTAL
    unit_price: Decimal

    def check(self) -> None:
        """Refuse an amount that cannot be a price."""
        with in_field("unit_price"):
            checked_price(self.unit_price)

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """One step; a negative quantity is billed as zero (billing rule 3)."""
        return (rating_step("per unit", max(usage.quantity, Decimal(0)), self.unit_price),)

    def phrase(self, currency: str) -> str:
        """`0.02 USD per unit`."""
        return per_unit(self.unit_price, Decimal(0), currency)
