"""Money is rounded once, half away from zero, and never mixes currencies."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.currency import CURRENCIES, CurrencyIsUnknown, checked_currency, exponent
from shared.billing.money import CurrenciesDiffer, Money, total

amounts = st.decimals(
    min_value=Decimal(-(10**20)), max_value=Decimal(10**20), places=12, allow_nan=False, allow_infinity=False
)


@pytest.mark.parametrize(
    ("exact", "currency", "minor"),
    [
        ("10.275", "USD", 1028),
        ("1000.5", "JPY", 1001),
        ("1000.5", "KRW", 1001),
        ("1000.5", "VND", 1001),
        ("1000.5", "CLP", 1001),
        ("100.556", "INR", 10056),
        ("1.235", "USD", 124),
        ("-1.235", "USD", -124),
        ("1.2344", "KWD", 1234),
        ("1.2345", "KWD", 1235),
        ("0.004999999999", "USD", 0),
        ("-0.005", "USD", -1),
    ],
)
def test_half_is_rounded_away_from_zero_to_the_currencys_exponent(
    exact: str, currency: str, minor: int
) -> None:
    """Vectors V1 and V3, and their mirror images below zero."""
    assert Money.rounded(Decimal(exact), currency) == Money(minor, currency)


@given(amounts, st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_rounding_is_that_of_exact_fractions(exact: Decimal, currency: str) -> None:
    """No digit is lost, however long the amount."""
    scaled = Fraction(exact) * 10 ** exponent(currency)
    away_from_zero = int(abs(scaled) + Fraction(1, 2)) * (-1 if scaled < 0 else 1)
    assert Money.rounded(exact, currency).minor == away_from_zero


@given(st.integers(-(10**40), 10**40), st.sampled_from(["USD", "JPY", "KWD"]))
def test_major_units_are_the_same_amount(minor: int, currency: str) -> None:
    """Going to major units and back changes nothing."""
    assert Money.rounded(Money(minor, currency).major, currency) == Money(minor, currency)


def test_a_total_is_the_sum_of_rounded_parts() -> None:
    """Billing rule 2: three times 0.333 is 0.99, never 1.00."""
    parts = [Money.rounded(Decimal("0.333"), "USD")] * 3
    assert total(parts, "USD") == Money(99, "USD")
    assert total([], "JPY") == Money.zero("JPY")


def test_two_currencies_are_never_added_or_subtracted() -> None:
    """There is no exchange rate."""
    with pytest.raises(CurrenciesDiffer):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrenciesDiffer):
        Money(1, "USD") - Money(1, "EUR")
    with pytest.raises(CurrenciesDiffer):
        total([Money(1, "EUR")], "USD")


def test_money_is_told_with_all_its_digits() -> None:
    """The text has the currency's number of decimal places."""
    assert [str(Money(1050, code)) for code in ("USD", "JPY", "KWD")] == [
        "10.50 USD",
        "1050 JPY",
        "1.050 KWD",
    ]
    assert str(-Money(5, "USD")) == "-0.05 USD"


@pytest.mark.parametrize("code", ["usd", "USX", "", "XXX", "US", "BTC"])
def test_a_currency_outside_iso_4217_is_refused(code: str) -> None:
    """A typing error must not become a currency of its own."""
    with pytest.raises(CurrencyIsUnknown):
        checked_currency(code)


def test_every_known_currency_has_three_letters_and_a_sane_exponent() -> None:
    """The codes and exponents of the table are well formed."""
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in CURRENCIES)
    assert {exponent(code) for code in CURRENCIES} == {0, 2, 3, 4}
    assert checked_currency("USD") == "USD"
