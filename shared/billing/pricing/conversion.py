"""Unit conversion: what a meter counts becomes what a price is for, such as bytes to gigabytes."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from typing import Literal

import msgspec

from shared.billing.money import EXACT
from shared.billing.pricing.model import (
    PRICE_PLACES_MAX,
    PriceIsInvalid,
    RatingStep,
    Usage,
    checked_divisor,
    rating_step,
)
from shared.framework.core.decimals import fixed_point
from shared.framework.core.refusals import Refusal, RefusalKind, in_field

_MODES = {"up": ROUND_CEILING, "down": ROUND_FLOOR, "half_up": ROUND_HALF_UP}


class ConversionNeedsRounding(Refusal):
    """A division that may have more than 12 decimal places needs to be rounded."""

    code = "conversion-needs-rounding"
    kind = RefusalKind.INVALID


def rounded_to(quantity: Decimal, decimal_places: int, mode: str) -> Decimal:
    """A quantity rounded to so many decimal places; -2: to hundreds (vector V4). Without an exponent."""
    with localcontext(EXACT):
        return quantity.scaleb(decimal_places).to_integral_value(mode).scaleb(-decimal_places) + Decimal(0)


class UnitConversion(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity times or divided by `factor`, then rounded to `decimal_places` (-2: to hundreds), or not."""

    operation: Literal["multiply", "divide"]
    factor: Decimal
    rounding: Literal["up", "down", "half_up"] | None = None
    decimal_places: int = 0

    def check(self) -> None:
        """Refuse a factor of zero, a precision beyond 12 places, and a division that would not be exact."""
        with in_field("factor"):
            checked_divisor(self.factor)
        with in_field("decimal_places"):
            if abs(self.decimal_places) > PRICE_PLACES_MAX:
                raise PriceIsInvalid(f"must be from {-PRICE_PLACES_MAX} to {PRICE_PLACES_MAX}")
        with in_field("rounding"):
            if self.operation == "divide" and self.rounding is None and not _has_short_inverse(self.factor):
                raise ConversionNeedsRounding(f"1 / {fixed_point(self.factor)}")

    def convert(self, quantity: Decimal) -> Decimal:
        """The converted quantity (vector V25)."""
        with localcontext(EXACT):
            exact = quantity * self.factor if self.operation == "multiply" else quantity / self.factor
        return (
            exact if self.rounding is None else rounded_to(exact, self.decimal_places, _MODES[self.rounding])
        )

    def converted(self, usage: Usage) -> tuple[Usage, RatingStep]:
        """The usage and each of its parts converted, and the step that shows it, which costs nothing."""
        quantity = self.convert(usage.quantity)
        parts = tuple(map(self.convert, usage.parts))
        sign = "x" if self.operation == "multiply" else "/"
        words = f"{fixed_point(usage.quantity)} {sign} {fixed_point(self.factor)}{self._rounding_words()}"
        step = rating_step(f"converted: {words} = {fixed_point(quantity)}", Decimal(0), Decimal(0))
        return msgspec.structs.replace(usage, quantity=quantity, parts=parts), step

    def phrase(self) -> str:
        """`one unit is 1000 of what is counted, rounded up to 0 decimal places`."""
        verb = "multiplied" if self.operation == "multiply" else "divided"
        return f"usage {verb} by {fixed_point(self.factor)}{self._rounding_words()}"

    def _rounding_words(self) -> str:
        if self.rounding is None:
            return ""
        how = {"up": "up", "down": "down", "half_up": "half up"}[self.rounding]
        if self.decimal_places == 0:
            return f", rounded {how} to whole units"
        if self.decimal_places < 0:
            return f", rounded {how} to multiples of {10**-self.decimal_places}"
        return f", rounded {how} to {self.decimal_places} decimal places"


def _has_short_inverse(factor: Decimal) -> bool:
    with localcontext(EXACT):
        inverse = (1 / factor).normalize()
    return -int(inverse.as_tuple().exponent) <= PRICE_PLACES_MAX
