"""Money: integer minor units of one currency; the only place where an amount is rounded."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Self

import msgspec

from shared.billing.currency import exponent
from shared.framework.core.refusals import Refusal, RefusalKind

# Python's own 28 digits are not enough: a price (20) times a quantity (32) must not lose one silently.
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


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
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def rounded(cls, exact: Decimal, currency: str) -> Self:
        """An exact major-unit amount, rounded half away from zero to minor units (billing rule 1)."""
        with localcontext(EXACT):
            return cls(int(exact.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP)), currency)

    @property
    def major(self) -> Decimal:
        """The same amount in major units, exact: 1050 cents is 10.50."""
        with localcontext(EXACT):
            return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        """The sum; both must be of one currency."""
        self._must_match(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """The difference; both must be of one currency."""
        self._must_match(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        """The same amount owed the other way."""
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        """For people: `10.50 USD`."""
        return f"{self.major} {self.currency}"

    def _must_match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrenciesDiffer(f"{self.currency} and {other.currency}")


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of already rounded parts (billing rule 2); zero of `currency` for none."""
    return sum(amounts, start=Money.zero(currency))
