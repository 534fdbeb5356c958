"""Which values of usage are numbers: the same rule for ingest, which accepts, and metering, which adds."""

import re
from decimal import Decimal
from typing import Any

QUANTITY_DIGITS_MAX = 20
"""Significant digits of a quantity."""

QUANTITY_PLACES_MAX = 12
"""Decimal places of a quantity."""

_NUMBER = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_INT_MAX = 2**63 - 1  # the largest integer of packed formats; above it a quantity is a decimal


def quantity_of(value: Any) -> int | Decimal | None:
    """The exact number of a JSON value (a number, or a string that formats one); None if it is not one.

    A quantity has at most 20 digits, 12 of them after the point, so sums of many are exact and `1e1000000`
    is cheap to refuse. Booleans are not quantities. Floats have lost digits, so they are not either: decode
    JSON with `float_hook=Decimal`.
    """
    if type(value) is int:
        return _bounded(Decimal(value)) if abs(value) > _INT_MAX else value
    if type(value) is str:
        return _bounded(Decimal(value)) if _NUMBER.fullmatch(value) else None
    return _bounded(value) if type(value) is Decimal else None


def _bounded(number: Decimal) -> Decimal | None:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # a letter for NaN and the infinities
        return None
    fits = exponent >= -QUANTITY_PLACES_MAX and len(digits) <= QUANTITY_DIGITS_MAX
    return number if fits and number.adjusted() < QUANTITY_DIGITS_MAX else None
