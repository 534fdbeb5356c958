"""Prices of single events and of single buckets."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.billing.pricing import (
    Bucketed,
    Graduated,
    Package,
    Percentage,
    PerUnit,
    PriceIsInvalid,
    Tier,
    Volume,
    exact_sum,
)
from shared.billing.pricing.parts import STEPS_MAX
from shared.billing.pricing.tests.any_price import quantities
from shared.billing.pricing.tests.usages import bill, shown, used
from shared.billing.pricing.total_price import TotalPrice

EVENTS = ("50", "100", "250", "400")
SLABS = (
    Tier(up_to=Decimal(10), unit_price=Decimal("0.10")),
    Tier(up_to=None, unit_price=Decimal("0.05")),
)


def percentage(percent: str = "1.3", fee: str = "2.00", **more: Decimal | int) -> Percentage:
    """A price of single events."""
    return Percentage(percent=Decimal(percent), fixed_fee=Decimal(fee), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("price", "amount"),
    [
        (percentage(free_events=3, free_amount=Decimal(250)), "11.15"),
        (percentage(free_events=3), "7.2"),
        (percentage(), "18.4"),
        (percentage("0"), "8"),
    ],
    ids=["free events and amount", "free events", "nothing free", "no percentage"],
)
def test_what_is_free_ends_first_by_events_or_by_amount(price: Percentage, amount: str) -> None:
    """Vector V30: events of 50, 100, 250 and 400. The one that is free in part has its fee."""
    assert bill(price, 800, *EVENTS) == Decimal(amount)


def test_an_event_costs_at_least_and_at_most() -> None:
    """Billing rule 5: before the sum, fee included, and not for events that are free."""
    price = percentage("1", "0.10", event_minimum=Decimal(1), event_maximum=Decimal(5), free_events=1)
    assert [bill(price, 0, "70", amount) for amount in ("10", "200", "900")] == [1, Decimal("2.1"), 5]
    steps = price.rate(used(0, "70", "10"))
    assert shown(steps) == [
        "event 1: free: 70 x 0 = 0",
        "event 2: 1%: 10 x 0.01 + 0.1 = 0.2",
        "event 2: up to the minimum of 1: 0 x 0 + 0.8 = 0.8",
    ]


def test_an_event_below_zero_counts_as_an_event_of_zero() -> None:
    """It takes nothing off the others, and has its fee like any event."""
    assert bill(percentage("10", "0.50"), 40, "100", "-60") == 11


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (percentage("-1"), "percent"),
        (percentage(free_events=-1), "free_events"),
        (percentage(event_minimum=Decimal(2), event_maximum=Decimal(1)), "event_maximum"),
    ],
)
def test_percentages_that_make_no_sense_are_refused(price: Percentage, field: str) -> None:
    """With the field that is wrong."""
    with pytest.raises(PriceIsInvalid) as refused:
        price.check()
    assert refused.value.field == (field,)


@pytest.mark.parametrize(
    ("price", "maxima", "amount"),
    [
        (PerUnit(unit_price=Decimal("0.10")), ("9", "10"), "1.90"),
        (Package(package_size=Decimal(10), package_price=Decimal(1)), ("9", "10"), "2"),
        (Graduated(tiers=SLABS), ("9", "15"), "2.15"),
        (Volume(tiers=SLABS), ("9", "15"), "1.65"),
        (Package(package_size=Decimal(100), package_price=Decimal(5)), ("50", "150", "200", "99"), "30"),
    ],
)
def test_each_bucket_is_priced_alone(price: TotalPrice, maxima: tuple[str, ...], amount: str) -> None:
    """Vector V63."""
    assert bill(Bucketed(bucket="day", price=price), 0, *maxima) == Decimal(amount)


def test_the_steps_of_buckets_are_numbered() -> None:
    """The reader finds them in the usage by hour, day or month."""
    steps = Bucketed(bucket="day", price=Graduated(tiers=SLABS)).rate(used(24, "9", "15"))
    assert shown(steps) == [
        "day 1: 0 to 10: 9 x 0.1 = 0.9",
        "day 2: 0 to 10: 10 x 0.1 = 1",
        "day 2: above 10: 5 x 0.05 = 0.25",
    ]


def test_many_parts_are_shown_as_sums() -> None:
    """An invoice line has a bounded number of steps, and they still come to its amount."""
    price = percentage("1", "0.10", event_minimum=Decimal("0.5"))
    few, many = price.rate(used(0, *[30] * (STEPS_MAX // 2))), price.rate(used(0, *[30] * 1000))
    assert len(few) == STEPS_MAX
    assert shown(many) == [
        "1%, in 1000 events: 30000 x 0.01 + 100 = 400",
        "up to the minimum of 0.5, in 1000 events: 0 x 0 + 100 = 100",
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(quantities, min_size=STEPS_MAX - 5, max_size=STEPS_MAX + 5))
def test_a_sum_of_steps_is_the_sum_of_its_parts(parts: list[Decimal]) -> None:
    """Whatever is shown, the amount is that of every part by itself."""
    price = Graduated(tiers=SLABS)
    whole = exact_sum(Bucketed(bucket="hour", price=price).rate(used(0, *parts)))
    assert whole == sum(bill(price, part) for part in parts)


@given(st.lists(quantities, max_size=8), st.integers(0, 9), quantities)
def test_what_is_free_is_never_paid(parts: list[Decimal], events: int, amount: Decimal) -> None:
    """The oracle: the paid amount is what is left of each event after events and amount that are free."""
    price = Percentage(percent=Decimal(100), free_events=events, free_amount=amount)
    left, expected = amount, Decimal(0)
    for number, part in enumerate(parts):
        free = min(part, left) if number < events else Decimal(0)
        left -= free
        expected += part - free
    assert bill(price, 0, *parts) == expected


def test_percentages_in_words() -> None:
    """As a catalog page shows them."""
    price = percentage(free_events=3, free_amount=Decimal(250), event_minimum=Decimal(1))
    assert price.phrase("USD") == (
        "1.3% of the amount of each event plus 2.00 USD per event, at least 1 USD per event, "
        "the first 3 events or 250 USD free, whichever ends first"
    )
    assert Bucketed(bucket="hour", price=PerUnit(unit_price=Decimal(2))).phrase("EUR") == (
        "each hour by itself: 2 EUR per unit"
    )
