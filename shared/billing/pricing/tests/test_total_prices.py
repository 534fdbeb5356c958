"""Volume, stairstep, package, graduated percentage and dynamic prices, by the vectors of the field."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given

from shared.billing.money import Money
from shared.billing.pricing import (
    Dynamic,
    GraduatedPercentage,
    Package,
    PercentageTier,
    PriceIsInvalid,
    Stair,
    Stairstep,
    Tier,
    Volume,
)
from shared.billing.pricing.tests.any_price import amounts, quantities
from shared.billing.pricing.tests.usages import bill, shown, used
from shared.billing.pricing.tiers import TiersAreInvalid


def volume(*rows: tuple[str | None, str, str], flat_at_zero: bool = True) -> Volume:
    """Tiers as (up to, unit price, fee)."""
    tiers = tuple(
        Tier(up_to=None if top is None else Decimal(top), unit_price=Decimal(price), flat_fee=Decimal(fee))
        for top, price, fee in rows
    )
    return Volume(tiers=tiers, flat_at_zero=flat_at_zero)


V16 = volume(("100", "2", "10"), ("200", "1", "0"), (None, "0.5", "50"))
V19 = volume(("5", "7", "0"), ("10", "6.5", "0"), (None, "6", "0"))
V20 = volume(("10", "50", "0"), ("20", "40", "0"), (None, "30", "0"))
V80 = volume(("1000", "0.10", "0"), ("10000", "0.05", "0"), (None, "0.01", "0"))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (
            V16,
            {"0": "10", "1": "12", "100": "210", "100.5": "100.5", "101": "101", "200": "200", "300": "200"},
        ),
        (V19, {"5": "35", "6": "39", "20": "120", "25": "150"}),
        (V20, {"25": "750"}),
        (V80, {"15000": "150"}),
    ],
    ids=["V16", "V19", "V20", "V80"],
)
def test_all_units_cost_the_price_of_the_tier_of_the_total(price: Volume, expected: dict[str, str]) -> None:
    """Billing rule 3: the upper bound is inside."""
    assert {quantity: bill(price, quantity) for quantity in expected} == {
        quantity: Decimal(amount) for quantity, amount in expected.items()
    }


def test_a_volume_fee_may_be_due_only_with_usage() -> None:
    """The policy of the price, `flat_at_zero`."""
    price = volume(("100", "2", "10"), (None, "1", "0"), flat_at_zero=False)
    assert [bill(price, 0), bill(price, "0.5")] == [0, 11]


def test_a_stair_costs_the_same_for_all_units_inside_it() -> None:
    """Upper bounds are inside; nothing used is the first stair, unless the price has it otherwise."""
    stairs = (Stair(up_to=Decimal(10), amount=Decimal(5)), Stair(up_to=None, amount=Decimal(8)))
    price = Stairstep(tiers=stairs)
    assert [bill(price, quantity) for quantity in ("0", "0.1", "10", "10.001", "1000")] == [5, 5, 5, 8, 8]
    assert bill(Stairstep(tiers=stairs, flat_at_zero=False), 0) == 0
    with pytest.raises(TiersAreInvalid) as refused:
        Stairstep(tiers=stairs[:1]).check()
    assert refused.value.field == ("tiers", 0, "up_to")


HUNDREDS = Package(package_size=Decimal(100), package_price=Decimal(1))


@pytest.mark.parametrize(
    ("quantity", "amount"), [("0", 0), ("2", 1), ("99", 1), ("100", 1), ("101", 2), ("150", 2), ("300", 3)]
)
def test_a_started_package_is_paid(quantity: str, amount: int) -> None:
    """Vector V23, and a package of 1,000."""
    assert bill(HUNDREDS, quantity) == amount
    assert bill(Package(package_size=Decimal(1000), package_price=Decimal(1)), 4500) == 5


@given(quantities, quantities, amounts)
def test_slices_of_packages_come_to_the_packages_of_the_whole(
    first: Decimal, second: Decimal, price: Decimal
) -> None:
    """Billing rule 4: a slice costs the packages after it less the packages before it."""
    packages = Package(package_size=Decimal("0.7"), package_price=price)
    before, after = bill(packages, first), bill(packages, first + second)
    assert before + (after - before) == price * ceil(Fraction(first + second) / Fraction("0.7"))
    assert after - before <= bill(packages, second)


def test_a_package_of_nothing_is_refused() -> None:
    """No number of them would hold any usage."""
    with pytest.raises(PriceIsInvalid) as refused:
        Package(package_size=Decimal(0), package_price=Decimal(1)).check()
    assert refused.value.field == ("package_size",)


def test_a_percentage_is_of_the_amount_inside_each_tier() -> None:
    """Vector V15."""
    rows = [("10", "1", "200"), ("20", "2", "300"), (None, "3", "400")]
    price = GraduatedPercentage(
        tiers=tuple(
            PercentageTier(
                up_to=None if top is None else Decimal(top), percent=Decimal(percent), flat_fee=Decimal(fee)
            )
            for top, percent, fee in rows
        )
    )
    expected = {"0": "200", "1": "200.01", "10": "200.10", "11": "500.12", "12": "500.14"}
    assert {amount: bill(price, amount) for amount in expected} == {
        amount: Decimal(cost) for amount, cost in expected.items()
    }


def test_an_amount_in_the_usage_is_multiplied() -> None:
    """Vector V40."""
    exact = bill(Dynamic(multiplier=Decimal("1.33333")), 10)
    assert Money.rounded(exact, "USD") == Money(1333, "USD")
    assert bill(Dynamic(), "12.34") == Decimal("12.34")


def test_the_steps_of_tiers_name_their_bounds() -> None:
    """So that a reader finds the tier in the plan."""
    assert shown(V16.rate(used("100.5"))) == ["all units in tier 100 to 200: 100.5 x 1 = 100.5"]
    assert shown(V16.rate(used(300))) == ["all units in tier above 200: 300 x 0.5 + 50 = 200"]


@pytest.mark.parametrize(
    ("phrase", "price"),
    [
        (
            "all units at the tier of the total: 2 USD per unit plus 10 USD up to 100, 1 USD per unit above",
            volume(("100", "2", "10"), (None, "1", "0")),
        ),
        ("1 USD per started package of 100 units", HUNDREDS),
        ("the amount of the usage in USD, times 1.2", Dynamic(multiplier=Decimal("1.2"))),
    ],
)
def test_prices_in_words(phrase: str, price: Volume | Package | Dynamic) -> None:
    """As a catalog page shows them."""
    assert price.phrase("USD") == phrase


def test_many_tiers_are_not_all_put_into_words() -> None:
    """The first ones and the last, and how many there are between them."""
    many = volume(*((str(bound), "1", "0") for bound in range(1, 100)), (None, "0.5", "0"))
    assert many.phrase("USD").endswith("1 USD per unit up to 3, 96 more tiers, 0.5 USD per unit above")
