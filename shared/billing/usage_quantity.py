"""Which values of usage are numbers: the same bounds for ingest, which accepts, and metering, which adds.

With these bounds the sum of 10**9 quantities has at most 90 digits, so it is exact in `money.EXACT`.
"""

import re
from decimal import Decimal
from typing import Any

QUANTITY_DIGITS_MAX = 40
"""Bound of a quantity's digits and of its exponents: it lies within 1e±40."""

_NUMBER = re.compile(r"[-+]?([0-9]{1,99}(\.[0-9]{0,99})?|\.[0-9]{1,99})([eE][-+]?[0-9]{1,6})?", re.ASCII)
_INT_MAX = 2**63 - 1  # the largest integer of packed formats; above it a quantity is a decimal


def quantity_of(value: Any) -> int | Decimal | None:
    """The exact number of a JSON value (a number, or a text that is one: `12`, `.5`, `-1e3`); None if none.

    A quantity has at most 40 digits and lies within 1e±40, so `1e1000000` is cheap to refuse. Booleans are
    not quantities. Floats have lost digits, so they are not either: decode JSON with `float_hook=Decimal`.
    """
    if type(value) is int:
        return _bounded(Decimal(value)) if abs(value) > _INT_MAX else value
    if type(value) is str:
        return _bounded(Decimal(value)) if _NUMBER.fullmatch(value) else None
    return _bounded(value) if type(value) is Decimal else None


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number or a text that is one, also one out of bounds."""
    return type(value) in (int, Decimal) or (type(value) is str and _NUMBER.fullmatch(value) is not None)


def is_bounded(number: Decimal) -> bool:
    """Whether a number has at most QUANTITY_DIGITS_MAX digits, and exponents within ± that."""
    _, digits, exponent = number.as_tuple()
    return (
        isinstance(exponent, int)  # else a letter, for NaN and the infinities
        and len(digits) <= QUANTITY_DIGITS_MAX
        and abs(exponent) <= QUANTITY_DIGITS_MAX
        and abs(number.adjusted()) <= QUANTITY_DIGITS_MAX
    )


def _bounded(number: Decimal) -> Decimal | None:
    return number if is_bounded(number) else None
