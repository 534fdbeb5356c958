"""Decimals as texts without an exponent, the only form that every interface accepts and shows."""

import re
from decimal import Decimal
from typing import Any

import msgspec

AMOUNT_PATTERN = r"^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,12})?$"
AMOUNT_DIGITS_MAX = 20
UNSIGNED_AMOUNT_SCHEMA = {
    "type": "string",
    "pattern": AMOUNT_PATTERN.replace("-?", "", 1),
    "maxLength": AMOUNT_DIGITS_MAX + 1,  # the digits and a point, as strict as `read_amount`
    "examples": ["0.0125"],
}
_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)


def read_amount(value: Any) -> Decimal:
    """The number of a decimal string that matches AMOUNT_PATTERN. Raises ValueError."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise ValueError("must be a decimal string such as 12.50, up to 12 places, without exponent")
    if sum(map(str.isdigit, value)) > AMOUNT_DIGITS_MAX:
        raise ValueError(f"must not have more than {AMOUNT_DIGITS_MAX} digits")
    amount = Decimal(value)
    return amount or Decimal(0)


def fixed_point(number: Decimal) -> str:
    """The text of a decimal with all its digits and without an exponent: 0.00000015, never 1.5E-7."""
    return format(number, "f")


def minor_units_to_json(minor: int) -> int | str:
    """An integer as JSON: a text beyond 2^53, where JSON readers that use floats lose digits."""
    return minor if abs(minor) < 2**53 else str(minor)


def to_json(value: Any) -> Any:
    """The JSON value of a struct or of builtins, with each decimal as its fixed-point text."""
    return _with_texts(msgspec.to_builtins(value, builtin_types=(Decimal,)))


def _with_texts(value: Any) -> Any:
    match value:
        case Decimal():
            return fixed_point(value)
        case dict():
            return {key: _with_texts(part) for key, part in value.items()}
        case list() | tuple():
            return [_with_texts(part) for part in value]
    return value
