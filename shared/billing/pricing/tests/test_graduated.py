"""Graduated prices: lower bound exclusive, upper inclusive, one fee for each tier (billing rule 3)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.pricing import Graduated, PriceIsInvalid, Tier, exact_sum
from shared.billing.pricing.tests.usages import used
from shared.billing.pricing.tiers import TiersAreInvalid

Rows = list[tuple[str | None, str, str]]


def graduated(*rows: tuple[str | None, str, str], flat_at_zero: bool = True) -> Graduated:
    """Tiers as (up to, unit price, fee)."""
    tiers = tuple(
        Tier(
            up_to=None if up_to is None else Decimal(up_to), unit_price=Decimal(price), flat_fee=Decimal(fee)
        )
        for up_to, price, fee in rows
    )
    return Graduated(tiers=tiers, flat_at_zero=flat_at_zero)


V13 = graduated(("10", "10", "2"), ("20", "5", "3"), (None, "5", "3"))
V14 = graduated(("0.1", "10", "0"), ("1", "5", "0"), (None, "2", "0"))
V18 = graduated(("5", "0", "100"), ("10", "0", "50"), ("15", "10", "0"), (None, "5", "0"))
V19 = graduated(("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0"))
V20A = graduated(("10", "50", "0"), ("20", "40", "0"), (None, "30", "0"))
V20B = graduated(("5", "0", "0"), ("10", "2", "0"), (None, "3", "0"))
V26 = graduated(("10", "2", "0"), ("20", "3", "0"), (None, "5", "0"))
V80A = graduated(("1000", "0.01", "0"), ("10000", "0.008", "0"), (None, "0.005", "0"))
V80B = graduated(("1000", "0.10", "0"), ("10000", "0.05", "0"), (None, "0.01", "0"))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (V13, {"0": "2", "1": "12", "10": "102", "11": "110", "12": "115", "21": "163"}),
        (V14, {"0.05": "0.5", "0.5": "3.0"}),
        (V18, {"0": "100", "5": "100", "5.001": "150", "7": "150", "12": "170", "22": "235"}),
        (V19, {"5": "35", "6": "41.50"}),
        (V20A, {"5": "250", "15": "700", "25": "1050"}),
        (V20B, {"5": "0", "7": "4", "10": "10", "11": "13", "15": "25"}),
        (V26, {"15": "35", "21": "55"}),
        (V80A, {"15000": "107"}),
        (V80B, {"15000": "600"}),
    ],
    ids=["V13", "V14", "V18", "V19", "V20a", "V20b", "V26", "V80a", "V80b"],
)
def test_each_tiers_units_are_rated_at_its_own_price(price: Graduated, expected: dict[str, str]) -> None:
    """The vectors of the field, under the policy that a first fee is due at zero."""
    got = {quantity: exact_sum(price.rate(used(Decimal(quantity)))) for quantity in expected}
    assert got == {quantity: Decimal(amount) for quantity, amount in expected.items()}


def test_a_first_fee_may_be_due_only_once_something_is_used() -> None:
    """The policy of the price, `flat_at_zero`."""
    price = graduated(("10", "10", "2"), (None, "5", "0"), flat_at_zero=False)
    assert exact_sum(price.rate(used(Decimal(0)))) == 0
    assert exact_sum(price.rate(used(Decimal("0.001")))) == Decimal("2.01")


def test_usage_below_zero_bills_no_more_than_no_usage() -> None:
    """A sum may go negative inside a period; the bill does not (billing rule 3)."""
    assert exact_sum(V13.rate(used(Decimal(-4)))) == exact_sum(V13.rate(used(Decimal(0)))) == 2


def test_the_steps_say_how_the_amount_came_about() -> None:
    """One per tier that was reached, in order, each of which can be checked by hand."""
    steps = V13.rate(used(Decimal(12)))
    assert [(step.description, step.quantity, step.amount) for step in steps] == [
        ("0 to 10", Decimal(10), Decimal(102)),
        ("10 to 20", Decimal(2), Decimal(13)),
    ]


amounts = st.decimals(min_value=0, max_value=10**8 - 1, places=12, allow_nan=False, allow_infinity=False)
bounds = st.lists(st.decimals(Decimal("0.000000000001"), 10**8 - 1, places=12), max_size=5, unique=True).map(
    sorted
)


@st.composite
def prices(draw: st.DrawFn) -> Graduated:
    """Any graduated price that may be published."""
    tops: list[Decimal | None] = [*draw(bounds), None]
    tiers = (Tier(up_to=top, unit_price=draw(amounts), flat_fee=draw(amounts)) for top in tops)
    return Graduated(tiers=tuple(tiers), flat_at_zero=draw(st.booleans()))


@given(prices(), amounts)
def test_the_amount_is_the_sum_over_all_tiers(price: Graduated, quantity: Decimal) -> None:
    """The oracle: for every tier the overlap of (0, quantity] with (floor, top], in exact fractions."""
    price.check()
    expected, floor = Fraction(0), Fraction(0)
    for place, tier in enumerate(price.tiers):
        top = Fraction(quantity) if tier.up_to is None else min(Fraction(tier.up_to), Fraction(quantity))
        units = max(top - floor, Fraction(0))
        entered = units > 0 or (place == 0 and price.flat_at_zero)
        expected += units * Fraction(tier.unit_price) + (Fraction(tier.flat_fee) if entered else 0)
        floor = Fraction(tier.up_to or 0)
    assert Fraction(exact_sum(price.rate(used(quantity)))) == expected


@given(prices(), amounts, amounts)
def test_more_usage_never_costs_less(price: Graduated, one: Decimal, other: Decimal) -> None:
    """Unlike volume prices, graduated ones only rise."""
    low, high = sorted((one, other))
    assert exact_sum(price.rate(used(low))) <= exact_sum(price.rate(used(high)))


@given(prices(), amounts)
def test_the_steps_hold_every_unit_once(price: Graduated, quantity: Decimal) -> None:
    """Nothing is rated twice at a bound, and nothing falls between two tiers."""
    assert sum(Fraction(step.quantity) for step in price.rate(used(quantity))) == Fraction(quantity)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("10", "1", "0")],
        [(None, "1", "0"), (None, "1", "0")],
        [("10", "1", "0"), ("10", "1", "0"), (None, "1", "0")],
        [("20", "1", "0"), ("10", "1", "0"), (None, "1", "0")],
        [("0", "1", "0"), (None, "1", "0")],
        [(None, "1", "0"), ("10", "1", "0")],
    ],
)
def test_tiers_that_leave_doubt_are_refused(rows: Rows) -> None:
    """Bounds rise from above zero, and exactly the last tier is open."""
    with pytest.raises(TiersAreInvalid):
        graduated(*rows).check()


@pytest.mark.parametrize(
    "rows",
    [
        [(None, "-1", "0")],
        [(None, "1", "-0.01")],
        [(None, "NaN", "0")],
        [("Infinity", "1", "0"), (None, "1", "0")],
    ],
)
def test_tiers_with_impossible_amounts_are_refused(rows: Rows) -> None:
    """Every number of every tier is checked."""
    with pytest.raises(PriceIsInvalid):
        graduated(*rows).check()


def test_a_price_has_no_more_tiers_than_a_person_can_check() -> None:
    """Every period that it bills carries a copy of it."""
    rows: Rows = [(str(bound), "1", "0") for bound in range(1, 100)]
    graduated(*rows, (None, "1", "0")).check()
    with pytest.raises(TiersAreInvalid):
        graduated(*rows, ("100", "1", "0"), (None, "1", "0")).check()
