"""Which values of usage can be counted as numbers: one answer for who accepts them and who adds them up."""

import re
from decimal import Decimal
from typing import Any

QUANTITY_DIGITS_MAX = 20
"""Significant digits of a quantity."""

QUANTITY_PLACES_MAX = 12
"""Digits after its point."""

_SPELT = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_INT_MAX = 2**63 - 1  # what packed formats hold as an integer; a larger one travels as a decimal


def quantity_of(value: Any) -> int | Decimal | None:
    """The exact number that a JSON value says (a number, or a string that spells one); None if it says none.

    At most 20 digits, at most 12 of them after the point: sums of any number of them stay exact, and
    `1e1000000` costs nobody anything. Booleans are no numbers. Floats have already lost digits, so they
    are no quantities either: decode JSON with `float_hook=Decimal`.
    """
    if type(value) is int:
        return _bounded(Decimal(value)) if abs(value) > _INT_MAX else value
    if type(value) is str:
        return _bounded(Decimal(value)) if _SPELT.fullmatch(value) else None
    return _bounded(value) if type(value) is Decimal else None


def _bounded(number: Decimal) -> Decimal | None:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # a letter, for NaN and the infinities
        return None
    fits = exponent >= -QUANTITY_PLACES_MAX and len(digits) <= QUANTITY_DIGITS_MAX
    return number if fits and number.adjusted() < QUANTITY_DIGITS_MAX else None
