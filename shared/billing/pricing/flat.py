"""The flat price: the same amount every period, independent of usage."""

from decimal import Decimal, localcontext
from typing import ClassVar, Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import PRICE_PLACES_MAX, RatingStep, checked_price
from shared.billing.pricing.wording import amount_of
from shared.framework.core.refusals import in_field


class Flat(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="flat"):
    """`amount` in major units of the plan's currency, due once a period (prorated when the period is cut)."""

    needs_meter: ClassVar[Literal[False]] = False
    amount: Decimal

    def check(self) -> None:
        """Refuse an amount that cannot be a price."""
        with in_field("amount"):
            checked_price(self.amount)

    def rate_prorated(self, days: int, full_days: int, unit: str = "days") -> tuple[RatingStep, ...]:
        """One step for `days` of a period that really has `full_days` (billing rule 9).

        Multiplied before it is divided: 29.85 for 1 day of 30 is 0.995 and becomes 1.00, which no
        factor of 0.0333... would give. A period is never billed more than once over (vector V50).
        """
        days = min(days, full_days)
        with localcontext(EXACT):
            amount = self.amount * days / full_days
            part = round(Decimal(days) / full_days, PRICE_PLACES_MAX)
        description = "flat fee" if days == full_days else f"flat fee, {days} of {full_days} {unit}"
        return (
            RatingStep(
                description=description, quantity=part.normalize(), unit_price=self.amount, amount=amount
            ),
        )

    def phrase(self, currency: str) -> str:
        """`a fee of 49.00 USD`."""
        return f"a fee of {amount_of(self.amount, currency)}"
