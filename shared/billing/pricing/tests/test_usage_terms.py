"""The terms of a charge: conversion, included units, minimum and maximum, in the order of billing rule 6."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.money import EXACT, Money
from shared.billing.pricing import (
    Bucketed,
    Flat,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceIsInvalid,
    Tier,
    UnitConversion,
    Usage,
    Volume,
    check_terms,
    exact_sum,
    rate_usages,
    sentence,
)
from shared.billing.pricing.conversion import ConversionNeedsRounding
from shared.billing.pricing.model import RecurringPrice, UsagePrice
from shared.billing.pricing.tests.any_price import amounts, quantities
from shared.billing.pricing.tests.usages import shown, used
from shared.billing.pricing.usage_terms import (
    EventsHaveNoIncludedUnits,
    MinimumExceedsMaximum,
    TermsNeedMeter,
)
from shared.billing.proration import WHOLE, Share
from shared.framework.core.refusals import Refusal

TEN = Package(package_size=Decimal(10), package_price=Decimal(100))
DOLLAR = PerUnit(unit_price=Decimal(1))


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of a charge."""

    included: Decimal = Decimal(0)
    conversion: UnitConversion | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None


def thousands(rounding: Literal["up", "down", "half_up"]) -> UnitConversion:
    """Units of a thousand."""
    return UnitConversion(operation="divide", factor=Decimal(1000), rounding=rounding)


def total(price: UsagePrice, terms: Terms, *usages: Usage, share: Share = WHOLE) -> Decimal:
    """What all usages of a charge come to."""
    rated = rate_usages(price, terms, usages, "USD", share)
    return sum((exact_sum(steps) for _, steps in rated), start=Decimal(0))


@pytest.mark.parametrize(("included", "amount"), [("0", 1300), ("10", 1200), ("200", 0)])
def test_included_units_come_before_packages(included: str, amount: int) -> None:
    """Vector V22: ceil(units - free)."""
    assert total(TEN, Terms(included=Decimal(included)), used(121)) == amount


def test_included_units_are_used_up_over_slices() -> None:
    """Vector V36: a slice costs what all up to it comes to, less what was billed before."""
    terms = Terms(included=Decimal(500))
    upto = [total(DOLLAR, terms, used(quantity)) for quantity in (0, 300, 550, 650)]
    assert [after - before for before, after in pairwise(upto)] == [0, 50, 100]
    ten = Terms(included=Decimal(10))
    assert total(DOLLAR, ten, used(5 + 15)) - total(DOLLAR, ten, used(5)) == 10


def test_included_units_are_shared_by_the_lines_of_a_charge() -> None:
    """They are used up in the order of the lines."""
    rated = rate_usages(DOLLAR, Terms(included=Decimal(15)), [used(10), used(10), used(10)], "USD")
    assert [exact_sum(steps) for _, steps in rated] == [0, 5, 10]
    assert [step.quantity for step in rated[1].steps] == [5, 5]


def test_included_units_of_buckets_are_the_earliest() -> None:
    """Each bucket is priced by what is left of it."""
    price = Bucketed(bucket="day", price=Package(package_size=Decimal(10), package_price=Decimal(1)))
    assert total(price, Terms(), used(24, 12, 12)) == 4
    assert total(price, Terms(included=Decimal(13)), used(24, 12, 12)) == 2


@pytest.mark.parametrize(
    ("quantity", "rounding", "units"), [("1400", "up", 2), ("1900", "down", 1), ("1500", "half_up", 2)]
)
def test_a_conversion_rounds_to_whole_units(
    quantity: str, rounding: Literal["up", "down", "half_up"], units: int
) -> None:
    """Vector V25; two slices of 1400 and 1300 are 3 thousands, not 2 + 2."""
    assert thousands(rounding).convert(Decimal(quantity)) == units
    up = Terms(conversion=thousands("up"))
    assert total(DOLLAR, up, used(1400 + 1300)) == 3


@pytest.mark.parametrize(
    ("rounding", "places", "expected"),
    [
        ("half_up", 2, "123.46"),
        ("half_up", -2, "100"),
        ("up", 0, "124"),
        ("up", -2, "200"),
        ("down", 2, "123.45"),
    ],
)
def test_a_quantity_is_rounded_to_any_place(
    rounding: Literal["up", "down", "half_up"], places: int, expected: str
) -> None:
    """Vector V4; no result has an exponent."""
    conversion = UnitConversion(
        operation="multiply", factor=Decimal(1), rounding=rounding, decimal_places=places
    )
    assert str(conversion.convert(Decimal("123.456"))) == expected


_ROUNDINGS: list[Literal["up", "down", "half_up"]] = ["up", "down", "half_up"]


@given(quantities, st.sampled_from(_ROUNDINGS), st.integers(-3, 4))
def test_a_rounded_quantity_is_near_the_exact_one(
    quantity: Decimal, rounding: Literal["up", "down", "half_up"], places: int
) -> None:
    """At most one unit of the last place away, on the side that the rounding names."""
    conversion = UnitConversion(
        operation="divide", factor=Decimal(7), rounding=rounding, decimal_places=places
    )
    with localcontext(EXACT):
        difference = conversion.convert(quantity) - quantity / 7
        unit, zero = Decimal(1).scaleb(-places), Decimal(0)
    low, high = {"up": (zero, unit), "down": (-unit, zero), "half_up": (-unit / 2, unit / 2)}[rounding]
    assert low <= difference <= high


def test_a_conversion_is_shown_before_what_it_feeds() -> None:
    """Convert, take off what is included, price, then the bounds."""
    terms = Terms(included=Decimal(1), conversion=thousands("up"), minimum=Decimal(5))
    [(_, steps)] = rate_usages(DOLLAR, terms, [used(1400)], "USD")
    assert shown(steps) == [
        "converted: 1400 / 1000, rounded up to whole units = 2: 0 x 0 = 0",
        "included units: 1 x 0 = 0",
        "per unit: 1 x 1 = 1",
        "minimum of 5: 0 x 0 + 4 = 4",
    ]


def test_a_minimum_is_due_without_usage() -> None:
    """Vector V32: a minimum of 100 and no package."""
    assert total(TEN, Terms(minimum=Decimal(100)), used(0)) == 100


def test_a_maximum_is_a_step_that_lowers() -> None:
    """Vector V33: volume usage of 150 with a maximum of 125; lines of 160, 15 and 7 with one of 170."""
    tiers = (Tier(up_to=None, unit_price=Decimal(10), flat_fee=Decimal(80)),)
    assert total(Volume(tiers=tiers), Terms(maximum=Decimal(125)), used(7)) == 125
    rated = rate_usages(DOLLAR, Terms(maximum=Decimal(170)), [used(160), used(15), used(7)], "USD")
    assert [exact_sum(steps) for _, steps in rated] == [160, 10, 0]
    assert [steps[-1].amount for _, steps in rated] == [160, -5, -7]


def test_a_minimum_of_several_lines_is_an_entry_of_its_own() -> None:
    """It belongs to none of the dimensions."""
    rated = rate_usages(DOLLAR, Terms(minimum=Decimal(100)), [used(10), used(20)], "USD")
    assert [usage is None for usage, _ in rated] == [False, False, True]
    assert [exact_sum(steps) for _, steps in rated] == [10, 20, 70]


def test_bounds_are_due_for_their_part_of_a_period() -> None:
    """Billing rule 9: a minimum goes with time; usage and what is included do not."""
    terms = Terms(minimum=Decimal(310), maximum=Decimal(620))
    assert total(DOLLAR, terms, used(3), share=Share(15, 31)) == 150
    assert total(DOLLAR, terms, used(900), share=Share(15, 31)) == 300
    [(_, steps)] = rate_usages(DOLLAR, terms, [used(3)], "USD", Share(15, 31))
    assert steps[-1].description == "minimum of 310, 15 of 31 days"


@given(
    st.lists(quantities, min_size=1, max_size=5),
    amounts,
    amounts,
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_the_rounded_lines_lie_between_minimum_and_maximum(
    used_units: list[Decimal], one: Decimal, other: Decimal, currency: str
) -> None:
    """Whatever the lines come to: the sum of rounded lines keeps the rounded bounds (billing rule 2)."""
    minimum, maximum = sorted((one, other))
    price = Graduated(tiers=(Tier(up_to=None, unit_price=Decimal("0.0333")),))
    rated = rate_usages(
        price, Terms(minimum=minimum, maximum=maximum), [used(each) for each in used_units], currency
    )
    lines = [Money.rounded(exact_sum(steps), currency).minor for _, steps in rated]
    assert min(lines) >= 0
    low, high = (Money.rounded(bound, currency).minor for bound in (minimum, maximum))
    assert low <= sum(lines) <= high


@pytest.mark.parametrize(
    ("price", "terms", "refusal", "field"),
    [
        (Flat(amount=Decimal(1)), Terms(included=Decimal(1)), TermsNeedMeter, ("included",)),
        (Flat(amount=Decimal(1)), Terms(minimum=Decimal(1)), TermsNeedMeter, ("minimum",)),
        (Flat(amount=Decimal(1)), Terms(conversion=thousands("up")), TermsNeedMeter, ("conversion",)),
        (DOLLAR, Terms(included=Decimal(-1)), PriceIsInvalid, ("included",)),
        (DOLLAR, Terms(minimum=Decimal("1e40")), PriceIsInvalid, ("minimum",)),
        (
            DOLLAR,
            Terms(minimum=Decimal(2), maximum=Decimal(1)),
            MinimumExceedsMaximum,
            ("maximum",),
        ),
        (
            Percentage(percent=Decimal(1)),
            Terms(included=Decimal(1)),
            EventsHaveNoIncludedUnits,
            ("included",),
        ),
        (
            DOLLAR,
            Terms(conversion=UnitConversion(operation="divide", factor=Decimal(3))),
            ConversionNeedsRounding,
            ("conversion", "rounding"),
        ),
        (
            DOLLAR,
            Terms(conversion=UnitConversion(operation="divide", factor=Decimal(0))),
            PriceIsInvalid,
            ("conversion", "factor"),
        ),
    ],
)
def test_terms_that_make_no_sense_are_refused(
    price: UsagePrice | RecurringPrice, terms: Terms, refusal: type[Refusal], field: tuple[str, ...]
) -> None:
    """With the field that is wrong."""
    with pytest.raises(refusal) as refused:
        check_terms(price, terms)
    assert refused.value.field == field


def test_a_division_without_rounding_is_exact() -> None:
    """Bytes to kibibytes have few decimal places; thirds have no end."""
    check_terms(DOLLAR, Terms(conversion=UnitConversion(operation="divide", factor=Decimal(1024))))


def test_a_charge_in_one_sentence() -> None:
    """For the catalog page and the invoice line."""
    terms = Terms(included=Decimal(5), conversion=thousands("up"), minimum=Decimal(10), maximum=Decimal(100))
    assert sentence(DOLLAR, terms, "USD") == (
        "The first 5 units free, then 1 USD per unit; units are the usage divided by 1000, "
        "rounded up to whole units; at least 10 USD and at most 100 USD a period."
    )
    assert sentence(Flat(amount=Decimal("49.00")), Terms(), "EUR") == "A fee of 49.00 EUR."
