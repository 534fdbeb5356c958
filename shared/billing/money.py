"""Money in integer minor units of one currency; amounts are rounded here and nowhere else."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Self

import msgspec

from shared.billing.currency import exponent
from shared.framework.core.refusals import Refusal, RefusalKind

# The only context of amounts and quantities. A total of 10**9 quantities has up to 90 digits
# (usage_quantity.py), times a price of 20, added over 100 tiers: 113. Python's default has 28.
EXACT = Context(prec=128, rounding=ROUND_HALF_UP)


class CurrenciesDiffer(Refusal):
    """Two amounts of different currencies cannot be added or compared."""

    code = "currencies-differ"
    kind = RefusalKind.CONFLICT


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in integer minor units (cents, yen, fils) of an ISO 4217 currency."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Zero of a currency."""
        return cls(0, currency)

    @classmethod
    def rounded(cls, exact: Decimal, currency: str) -> Self:
        """Money of an exact amount in major units, rounded half away from zero (billing rule 1)."""
        with localcontext(EXACT):
            return cls(int(exact.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP)), currency)

    @classmethod
    def nearest(cls, minor: Fraction, currency: str) -> Self:
        """Money of an exact number of minor units, rounded half away from zero (billing rule 1)."""
        rounded = (2 * abs(minor.numerator) + minor.denominator) // (2 * minor.denominator)
        return cls(-rounded if minor < 0 else rounded, currency)

    @property
    def major(self) -> Decimal:
        """The exact amount in major units: 1050 cents is 10.50."""
        with localcontext(EXACT):
            return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        """The sum. Raises CurrenciesDiffer."""
        self._must_match(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """The difference. Raises CurrenciesDiffer."""
        self._must_match(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        """The amount with the opposite sign."""
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        """The amount in major units and the currency: `10.50 USD`."""
        return f"{self.major} {self.currency}"

    def _must_match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrenciesDiffer(f"{self.currency} and {other.currency}")


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of rounded parts (billing rule 2); zero of `currency` for none. Raises CurrenciesDiffer."""
    return sum(amounts, start=Money.zero(currency))
