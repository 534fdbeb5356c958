"""Decimals are shown without an exponent."""

import re
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.framework.core.decimals import minor_units_to_json, to_json


class Tier(msgspec.Struct):
    """A struct with a decimal, as in prices."""

    up_to: Decimal | None
    amounts: tuple[Decimal, ...]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=15))
def test_a_decimal_inside_a_value_keeps_its_digits_and_has_no_exponent(number: Decimal) -> None:
    """Whatever its size: 0.00000015 is not 1.5E-7, and 10^20 is not 1E+20."""
    shown = to_json({"tier": Tier(number, (number,)), "rest": [None, True, "1e5", 7]})
    assert shown["rest"] == [None, True, "1e5", 7]
    for text in (shown["tier"]["up_to"], *shown["tier"]["amounts"]):
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)
        assert Decimal(text) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_that_a_float_cannot_hold_is_shown_as_a_text(minor: int) -> None:
    """A reader that uses floats gets the exact value, or a text."""
    shown = minor_units_to_json(minor)
    assert int(shown) == minor
    assert isinstance(shown, str) or int(float(shown)) == minor
