"""The price in custom units: usage costs credits, tokens or points, and each of these costs money."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Annotated, ClassVar, Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.bucketed import Bucketed
from shared.billing.pricing.conversion import rounded_to
from shared.billing.pricing.matrix import Matrix
from shared.billing.pricing.model import (
    PRICE_PLACES_MAX,
    PriceIsInvalid,
    RatingStep,
    Usage,
    UsageDetail,
    UsagePrice,
    checked_price,
    exact_sum,
    rating_step,
)
from shared.billing.pricing.percentage import Percentage
from shared.billing.pricing.total_price import TotalPrice
from shared.billing.pricing.wording import amount_of
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import in_field
from shared.framework.core.text import unprintable


def dimensions_of(price: UsagePrice) -> frozenset[str]:
    """The dimensions by which a price differs: its meter must group by them."""
    match price:
        case Matrix(dimensions=names) | CustomUnits(price=Matrix(dimensions=names)):
            return frozenset(names)
    return frozenset()


class CustomUnits(msgspec.Struct, frozen=True, kw_only=True, tag_field="model", tag="custom_units"):
    """`price` gives an amount of `unit` (such as credits), rounded to `decimal_places`, at `unit_price` each.

    The amount of units is rounded once, half away from zero, as that of money is (vector V3).
    """

    needs_meter: ClassVar[Literal[True]] = True
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    decimal_places: int
    unit_price: Decimal
    price: TotalPrice | Percentage | Bucketed | Matrix

    @property
    def usage_detail(self) -> UsageDetail:
        """That of the inner price."""
        return self.price.usage_detail

    def check(self) -> None:
        """Refuse what cannot be seen, a precision beyond 12 places, and what the inner price refuses."""
        with in_field("unit"):
            if character := unprintable(self.unit):
                raise PriceIsInvalid(f"must not contain {character}, which cannot be seen")
        with in_field("decimal_places"):
            if not 0 <= self.decimal_places <= PRICE_PLACES_MAX:
                raise PriceIsInvalid(f"must be from 0 to {PRICE_PLACES_MAX}")
        with in_field("unit_price"):
            checked_price(self.unit_price)
        with in_field("price"):
            self.price.check()

    def rate(self, usage: Usage) -> tuple[RatingStep, ...]:
        """The steps of the inner price as amounts of units, which cost nothing, and one for their price."""
        inner = self.price.rate(usage)
        with localcontext(EXACT):
            units = rounded_to(exact_sum(inner), self.decimal_places, ROUND_HALF_UP)
        return (
            *(self._counted(step) for step in inner),
            rating_step(self.unit, units, self.unit_price),
        )

    def _counted(self, step: RatingStep) -> RatingStep:
        fee = f" + {fixed_point(step.fee)}" if step.fee else ""
        counted = f"{fixed_point(step.quantity)} x {fixed_point(step.unit_price)}{fee}"
        total = amount_of(step.amount, self.unit)
        return rating_step(f"{step.description}: {counted} = {total}", Decimal(0), Decimal(0))

    def phrase(self, currency: str) -> str:
        """`2 credits per unit, at 0.01 USD per unit of credits`."""
        return f"{self.price.phrase(self.unit)}; {self.unit} at {amount_of(self.unit_price, currency)} each"
