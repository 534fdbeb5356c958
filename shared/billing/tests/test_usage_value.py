"""Numbers of usage are read exactly, and values are equal exactly if their texts are."""

import re
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.billing.money import EXACT
from shared.billing.usage_quantity import QUANTITY_DIGITS_MAX, is_bounded, quantity_of
from shared.billing.usage_value import canonical_text, dimension_of, path_names, plain_path, value_at

decode = msgspec.json.Decoder(float_hook=Decimal).decode

json_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?", fullmatch=True)
"""Number texts of JSON, in bounds or a little beyond."""

scalars = (
    st.none() | st.booleans() | st.text(max_size=8) | json_numbers.map(lambda text: decode(text.encode()))
)
nested: Any = st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


@given(json_numbers)
def test_every_number_that_ingest_accepts_is_a_quantity(text: str) -> None:
    """As a number and as a text, without a digit less."""
    number = decode(text.encode())
    assume(is_bounded(Decimal(number)))
    for value in (number, text):
        quantity = quantity_of(value)
        assert quantity is not None
        assert Fraction(quantity) == Fraction(text)


@given(st.lists(json_numbers, max_size=20))
def test_sums_and_products_of_quantities_are_exact(texts: list[str]) -> None:
    """Also of 1e-40 and 1e40, and of so many."""
    numbers = [quantity for text in texts if (quantity := quantity_of(text)) is not None]
    price, many = Decimal("99999999.999999999999"), 10**9
    with localcontext(EXACT):
        total = sum(numbers, Decimal(0)) * many * price
    assert Fraction(total) == sum(map(Fraction, numbers)) * many * Fraction(price)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("+1e3", Decimal(1000)),
        ("007", Decimal(7)),
        ("0.30000000000000004", Decimal("0.30000000000000004")),
        ("1" * QUANTITY_DIGITS_MAX, Decimal("1" * QUANTITY_DIGITS_MAX)),
        ("1" * (QUANTITY_DIGITS_MAX + 1), None),
        ("1e41", None),
        ("1e99999", None),
        (".", None),
        ("1_000", None),
        (" 1", None),
        ("１２", None),
    ],
)
def test_a_text_is_a_quantity_if_it_is_a_number_in_bounds(text: str, quantity: Decimal | None) -> None:
    """The bounds are those of numbers; nothing is guessed at."""
    assert quantity_of(text) == quantity


@given(json_numbers)
def test_the_text_of_a_number_is_its_shortest_decimal(text: str) -> None:
    """So two numbers have one text exactly if they are equal."""
    shortest = canonical_text(decode(text.encode()))
    assert shortest is not None
    assert Fraction(shortest) == Fraction(text)
    assert re.fullmatch(r"0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?)", shortest)


@given(scalars, scalars)
def test_two_values_are_equal_if_they_are_read_alike(one: Any, other: Any) -> None:
    """Numbers by their worth, texts by their characters; a text is equal to what is written so."""

    def rank(value: Any) -> tuple[str, Any]:
        if value is None or isinstance(value, bool):
            return ("text", {None: "", True: "true", False: "false"}[value])
        if isinstance(value, str):
            is_shortest = re.fullmatch(r"0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?)", value, re.ASCII)
            return ("number", Fraction(value)) if is_shortest else ("text", value)
        return ("number", Fraction(value))

    assert (canonical_text(one) == canonical_text(other)) == (rank(one) == rank(other))


@pytest.mark.parametrize("value", ["1", 1, Decimal("1.0"), Decimal("1e0"), Decimal("1.00e0")])
def test_the_same_number_in_other_spellings_is_one_value(value: Any) -> None:
    """Also as the text that is its shortest spelling; the text 1.0 is another value."""
    assert canonical_text(value) == "1"
    assert canonical_text("1.0") == "1.0"


@given(nested)
def test_objects_and_arrays_have_no_text(value: Any) -> None:
    """They are no dimension, and no filter lets them pass."""
    assert canonical_text(value) is None
    assert dimension_of(value) is None


def test_a_dimension_is_short() -> None:
    """At most 256 characters."""
    assert dimension_of("x" * 256) == "x" * 256
    assert dimension_of("x" * 257) is None


def test_of_json_path_a_leading_root_is_understood() -> None:
    """And nothing else."""
    assert [plain_path(path) for path in ("a", "$.a", "a.b", "$.a.b")] == ["a", "a", "a.b", "a.b"]
    for path in (
        "$",
        "$a",
        "$..a",
        "$.a[0]",
        "$.a[*]",
        "$['a']",
        "@.a",
        "a.*",
        "$.$.a",
        "a.length()",
        "",
        "a.",
    ):
        assert plain_path(path) is None
    assert path_names("$.a.b") == ("a", "b")
    assert value_at({"a": {"b": 1}}, ("a", "b")) == 1
    assert value_at({"a": 2}, ("a", "b")) is None
