"""Discounts: percentages compound, fixed amounts stop at zero, and every part adds up (billing rule 6)."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.discounts import AmountOff, Discount, PercentageOff, apply_discounts
from shared.billing.money import CurrenciesDiffer, Money, total

KEYS = ("base", "calls", "storage")


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    charge_key: str | None
    amount: Money


def lines(*minors: int, currency: str = "USD") -> list[Line]:
    keys = (KEYS[number % len(KEYS)] for number in range(len(minors)))
    return [
        Line(f"l{number}", key, Money(minor, currency))
        for number, (key, minor) in enumerate(zip(keys, minors, strict=True))
    ]


def percent(number: str, *keys: str, named: str = "p") -> Discount:
    return Discount(
        discount_id=named, name=named, reduction=PercentageOff(percent=Decimal(number)), charge_keys=keys
    )


def fixed(minor: int, *keys: str, named: str = "f", currency: str = "USD") -> Discount:
    reduction = AmountOff(amount=Money(minor, currency))
    return Discount(discount_id=named, name=named, reduction=reduction, charge_keys=keys)


def left(billed: list[Line], *discounts: Discount) -> list[int]:
    """What is left of each line."""
    off = apply_discounts(billed, discounts)
    return [
        line.amount.minor - sum(one.parts[line.line_id].minor for one in off if line.line_id in one.parts)
        for line in billed
    ]


def test_two_of_ten_per_cent_are_nineteen() -> None:
    """V38."""
    off = apply_discounts(lines(10000), [percent("10", named="a"), percent("10", named="b")])
    assert [one.amount.minor for one in off] == [1000, 900]


@pytest.mark.parametrize(
    ("minors", "off", "expected"),
    [((333, 333, 334), 100, [300, 300, 300]), ((6000, 4000), 1000, [5400, 3600])],
)
def test_a_fixed_amount_is_spread_by_the_largest_remainder(
    minors: tuple[int, ...], off: int, expected: list[int]
) -> None:
    """V8."""
    assert left(lines(*minors), fixed(off)) == expected


def test_a_percentage_of_one_charge_comes_before_a_fixed_amount_off_all() -> None:
    """V39: 80 of usage and 20 flat, 25% off the usage, then 10 off: 70 are taxed."""
    billed = lines(2000, 8000)
    off = apply_discounts(billed, [fixed(1000), percent("25", "calls")])
    assert [(one.discount.discount_id, one.amount.minor) for one in off] == [("p", 2000), ("f", 1000)]
    assert left(billed, fixed(1000), percent("25", "calls")) == [1750, 5250]


def test_percentages_of_a_line_are_rounded_together() -> None:
    """Two halves of 3 cents are 2.25, so 2; rounded one by one they would take 2 and 1."""
    assert left(lines(3), percent("50", named="a"), percent("50", named="b")) == [1]


def test_a_percentage_is_rounded_over_all_its_lines() -> None:
    """10% of ten lines of 4 cents is 4 cents, although 10% of each is nothing."""
    assert sum(left(lines(*[4] * 10), percent("10"))) == 36


def test_a_fixed_amount_takes_no_more_than_there_is() -> None:
    """The rest of it is lost."""
    [off] = apply_discounts(lines(300, 200), [fixed(1000)])
    assert off.amount == Money(500, "USD")
    assert apply_discounts(lines(0), [fixed(1000), percent("10")]) == ()


def test_credits_are_not_reduced() -> None:
    """A line of less than zero gives back what was billed; a discount on it would take that away."""
    assert left(lines(-500, 1000), percent("50")) == [-500, 500]
    assert left(lines(-500, 1000), fixed(2000)) == [-500, 0]


def test_a_fixed_amount_of_another_currency_is_refused() -> None:
    """There is no exchange rate."""
    with pytest.raises(CurrenciesDiffer):
        apply_discounts(lines(100, currency="EUR"), [fixed(1)])


amounts = st.lists(st.integers(-(10**6), 10**12), max_size=12).map(lambda minors: lines(*minors))
scopes = st.lists(st.sampled_from(KEYS), unique=True, max_size=2)
percents = st.decimals("0.000001", 100, places=6)


@st.composite
def some_discounts(draw: st.DrawFn) -> list[Discount]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            found.append(percent(str(draw(percents)), *draw(scopes), named=f"d{number}"))
        else:
            found.append(fixed(draw(st.integers(1, 10**12)), *draw(scopes), named=f"d{number}"))
    return found


@given(amounts, some_discounts())
def test_no_line_falls_below_zero_and_parts_sum_to_the_discount(
    billed: list[Line], discounts: list[Discount]
) -> None:
    """Billing rule 2; and no line grows, and no line outside the scope changes."""
    for before, after in zip(billed, left(billed, *discounts), strict=True):
        assert min(before.amount.minor, 0) <= after <= before.amount.minor
    for one in apply_discounts(billed, discounts):
        charge_keys = {line.line_id: line.charge_key for line in billed}
        assert total(one.parts.values(), "USD") == one.amount
        assert one.amount.minor > 0
        assert all(one.discount.covers(charge_keys[key]) for key in one.parts)


@given(amounts, st.lists(st.tuples(percents, scopes), max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_percentages_is_irrelevant(
    billed: list[Line], found: list[tuple[Decimal, list[str]]], random: Random
) -> None:
    """Each is of what is left, and multiplication has no order."""
    discounts = [percent(str(number), *keys, named=f"p{place}") for place, (number, keys) in enumerate(found)]
    turned = random.sample(discounts, len(discounts))
    assert apply_discounts(billed, discounts) == apply_discounts(billed, turned)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=12), st.lists(percents, max_size=5))
def test_percentages_off_all_lines_are_one_factor_rounded_once(
    minors: list[int], found: list[Decimal]
) -> None:
    """The whole is within half a minor unit of the exact product, whatever the lines."""
    discounts = [percent(str(number), named=f"p{place}") for place, number in enumerate(found)]
    exact = Fraction(sum(minors))
    for number in found:
        exact *= 1 - Fraction(number) / 100
    assert abs(sum(left(lines(*minors), *discounts)) - exact) <= Fraction(1, 2)


@given(amounts)
def test_without_a_discount_nothing_changes(billed: list[Line]) -> None:
    """And neither does a discount on a charge that is not billed."""
    assert apply_discounts(billed, []) == ()
    assert apply_discounts(billed, [fixed(100, "other"), percent("10", "other")]) == ()


@given(amounts, some_discounts())
def test_the_order_of_the_lines_is_irrelevant(billed: list[Line], discounts: list[Discount]) -> None:
    """Ties are decided by the keys of the lines."""
    assert {one.discount.discount_id: one.parts for one in apply_discounts(billed, discounts)} == {
        one.discount.discount_id: one.parts for one in apply_discounts(billed[::-1], discounts)
    }
