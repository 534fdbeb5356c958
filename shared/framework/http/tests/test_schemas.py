from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.framework.http.field_types import (
    INT64_MAX,
    CurrencyCode,
    DecimalAmount,
    Identifier,
    Instant,
    MinorUnits,
    NonNegativeDecimal,
    ShortText,
)

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(DecimalAmount)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(st.decimals(min_value=1 - 10**8, max_value=10**8 - 1, places=12))
def test_every_amount_is_read_exactly_and_spelt_back(amount: Decimal) -> None:
    """No digit is lost on the way in or out."""
    text = format(amount, "f")
    read = AMOUNT.validate_python(text)
    assert read == amount
    assert AMOUNT.validate_python(AMOUNT.dump_python(read)) == amount


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.5,
        True,
        None,
        "",
        "NaN",
        "Infinity",
        "1e3",
        "1e1000000",
        ".5",
        "5.",
        "01",
        "+1",
        " 1",
        "1\n",
        "1_000",
        "１２３",
        "1" * 21,
        "1." + "1" * 13,
        "123456789.123456789012",
    ],
)
def test_an_amount_has_one_spelling_and_bounds(value: object) -> None:
    """Decimal strings only, twenty digits, twelve places, no exponent (reliability-security.md 4.4)."""
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(value)


def test_minus_nothing_is_nothing() -> None:
    """-0 would be a second spelling of the same price."""
    assert str(AMOUNT.validate_python("-0.00")) == "0"


def test_prices_are_not_negative() -> None:
    """A discount is another thing."""
    with pytest.raises(ValidationError):
        TypeAdapter(NonNegativeDecimal).validate_python("-0.01")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T00:00:00Z", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31t00:00:00.25z", datetime(2026, 1, 31, microsecond=250_000, tzinfo=UTC)),
        ("2026-01-31 00:00:00.9999999Z", datetime(2026, 1, 31, microsecond=999_999, tzinfo=UTC)),
        ("2026-01-31T00:00:00+05:45", datetime(2026, 1, 30, 18, 15, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_utc(text: str, instant: datetime) -> None:
    """Whatever offset it came with."""
    read = INSTANT.validate_python(text)
    assert (read, read.tzinfo) == (instant, UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "2026-01-31T00:00:00",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:00:01Z",
        "0001-01-01T00:00:00+14:00",
        "２０２６-01-31T00:00:00Z",
        1767225600,
        None,
        datetime(2026, 1, 1),  # noqa: DTZ001 - that is what must be refused
    ],
)
def test_an_instant_without_offset_or_sense_is_refused(value: object) -> None:
    """A moment that depends on who reads it is no moment."""
    with pytest.raises(ValidationError):
        INSTANT.validate_python(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Identifier, ""),
        (Identifier, "a b"),
        (Identifier, "ä"),
        (Identifier, "a\n"),
        (Identifier, "x" * 65),
        (CurrencyCode, "usd"),
        (CurrencyCode, "USDT"),
        (MinorUnits, INT64_MAX + 1),
        (MinorUnits, 1.0),
        (MinorUnits, "1"),
        (MinorUnits, True),
        (ShortText, ""),
        (ShortText, "x" * 257),
        (ShortText, "a\u202eb"),
        (ShortText, "a\tb"),
    ],
)
def test_what_a_field_does_not_take(field: Any, value: object) -> None:
    """Bounded, visible, and of one type."""
    with pytest.raises(ValidationError):
        TypeAdapter(field).validate_python(value)
