"""Flat fees whole and in part, prices per unit, and what can be a price at all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.money import Money
from shared.billing.pricing import Flat, PerUnit, PriceIsInvalid, exact_sum
from shared.billing.pricing.model import rating_step
from shared.billing.pricing.tests.usages import used
from shared.billing.proration import Share

amounts = st.decimals(min_value=0, max_value=10**8 - 1, places=12, allow_nan=False, allow_infinity=False)


def part_of(amount: str, days: int, full_days: int, currency: str = "USD") -> str:
    steps = Flat(amount=Decimal(amount)).rate_prorated(Share(days, full_days))
    return str(Money.rounded(exact_sum(steps), currency).major)


@pytest.mark.parametrize(
    ("amount", "days", "full_days", "currency", "expected"),
    [
        ("100", 15, 31, "USD", "48.39"),
        ("100", 10, 31, "USD", "32.26"),
        ("1000", 10, 31, "JPY", "323"),
        ("100", 40, 31, "USD", "100.00"),
        ("5", 17, 31, "USD", "2.74"),
        ("10", 17, 31, "USD", "5.48"),
        ("20", 17, 31, "USD", "10.97"),
        ("5", 1, 31, "USD", "0.16"),
        ("6", 30, 31, "USD", "5.81"),
        ("29.85", 1, 30, "USD", "1.00"),
        ("910.00", 32, 91, "USD", "320.00"),
        ("7", 0, 31, "USD", "0.00"),
    ],
)
def test_a_part_of_a_period_costs_its_days_of_the_real_period(
    amount: str, days: int, full_days: int, currency: str, expected: str
) -> None:
    """Vectors V47, V50, V51, V53, V55, and a half cent that a decimal factor would lose."""
    assert part_of(amount, days, full_days, currency) == expected


@given(amounts, st.integers(0, 400), st.integers(1, 400))
def test_a_part_is_rounded_as_its_exact_fraction_is(amount: Decimal, days: int, full_days: int) -> None:
    """Billing rule 1: exact until the line, also where the fraction of the period has no end."""
    steps = Flat(amount=amount).rate_prorated(Share(days, full_days))
    exact = Fraction(amount) * min(days, full_days) / full_days
    assert Money.rounded(exact_sum(steps), "USD").minor == int(exact * 100 + Fraction(1, 2))


@given(amounts, st.integers(1, 400))
def test_all_days_cost_the_whole_fee(amount: Decimal, full_days: int) -> None:
    """A whole period and all of its days are the same bill, told the same way."""
    whole = (rating_step("flat fee", Decimal(1), amount),)
    assert Flat(amount=amount).rate_prorated(Share(full_days, full_days)) == whole


def test_a_part_says_which_days_it_is_for() -> None:
    """So the line of an invoice can be checked by hand."""
    (step,) = Flat(amount=Decimal(31)).rate_prorated(Share(17, 31))
    assert step.description == "flat fee, 17 of 31 days"
    assert step.quantity == Decimal("0.548387096774")
    assert step.amount == 17


def test_every_unit_costs_the_same() -> None:
    """Vectors V27 (5, then 8 in all, is 30 more) and V80."""
    price = PerUnit(unit_price=Decimal(10))
    assert exact_sum(price.rate(used(Decimal(5)))) == 50
    assert exact_sum(price.rate(used(Decimal(8)))) - exact_sum(price.rate(used(Decimal(5)))) == 30
    assert exact_sum(PerUnit(unit_price=Decimal("0.0006")).rate(used(Decimal(65_000)))) == 39


def test_net_usage_below_zero_bills_nothing() -> None:
    """Vector V65: a net of minus four is zero, never a credit."""
    assert exact_sum(PerUnit(unit_price=Decimal(10)).rate(used(Decimal(-4)))) == 0


def test_no_digit_is_lost_between_the_longest_quantity_and_the_longest_price() -> None:
    """Python's own 28 digits would round this silently."""
    quantity, unit_price = Decimal("99999999999999999999.999999999999"), Decimal("12345678.123456789012")
    assert Fraction(exact_sum(PerUnit(unit_price=unit_price).rate(used(quantity)))) == Fraction(
        quantity
    ) * Fraction(unit_price)


@pytest.mark.parametrize(
    "amount",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "-0.01",
        "1e21",
        "1e1000000",
        "0.0000000000001",
        "9" * 21,
        "1" + "0" * 9 + ".123456789012",
    ],
)
def test_what_cannot_be_a_price_is_refused(amount: str) -> None:
    """Finite, not negative, at most 20 digits, 12 of them after the point."""
    with pytest.raises(PriceIsInvalid):
        PerUnit(unit_price=Decimal(amount)).check()
    with pytest.raises(PriceIsInvalid):
        Flat(amount=Decimal(amount)).check()


@pytest.mark.parametrize("amount", ["0", "0.000000000001", "99999999.999999999999", "9" * 20])
def test_the_widest_prices_are_taken(amount: str) -> None:
    """A price may be zero, tiny or huge."""
    Flat(amount=Decimal(amount)).check()
