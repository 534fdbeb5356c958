"""Decimals as texts without an exponent, the only form that every interface accepts."""

from decimal import Decimal
from typing import Any

import msgspec


def fixed_point(number: Decimal) -> str:
    """The text of a decimal with all its digits and without an exponent: 0.00000015, never 1.5E-7."""
    return format(number, "f")


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
