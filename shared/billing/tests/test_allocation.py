"""Allocation loses nothing, and no part differs from its share by more than one minor unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.billing.allocation import allocate
from shared.billing.money import Money, total

weights = st.dictionaries(st.text(max_size=3), st.integers(0, 10**9), min_size=1, max_size=12).filter(
    lambda found: sum(found.values()) > 0
)


@pytest.mark.parametrize(
    ("whole", "parts", "expected"),
    [
        (Money(5, "USD"), {"A": 1, "B": 1, "C": 1}, [2, 2, 1]),
        (Money(5, "USD"), {"C": 1, "A": 1, "B": 1}, [1, 2, 2]),
        (Money(10000, "USD"), {"a": 1, "b": 2, "c": 3}, [1667, 3333, 5000]),
        (Money(500, "USD"), {"a": 10, "b": 5}, [333, 167]),
        (Money(5, "JPY"), {"a": 1, "b": 1, "c": 1}, [2, 2, 1]),
        (Money(-5, "USD"), {"a": 1, "b": 1, "c": 1}, [-2, -2, -1]),
        (Money(5, "USD"), {"a": 0, "b": 1}, [0, 5]),
    ],
)
def test_what_is_left_goes_to_the_largest_remainders_ties_by_key(
    whole: Money, parts: dict[str, int], expected: list[int]
) -> None:
    """Vectors V5 and V6; the order in which parts are named does not matter."""
    assert [part.minor for part in allocate(whole, parts).values()] == expected


@given(st.integers(-(10**15), 10**15), weights)
def test_the_parts_always_sum_to_the_whole(minor: int, parts: dict[str, int]) -> None:
    """Billing rule 2, for every amount and every set of weights."""
    assert total(allocate(Money(minor, "USD"), parts).values(), "USD") == Money(minor, "USD")


@given(st.integers(0, 10**15), weights)
def test_no_part_is_a_whole_unit_away_from_its_exact_share(minor: int, parts: dict[str, int]) -> None:
    """A weight of zero gets nothing."""
    for key, part in allocate(Money(minor, "USD"), parts).items():
        exact = Fraction(minor * parts[key], sum(parts.values()))
        assert abs(part.minor - exact) < 1
        assert part.minor == 0 or parts[key] > 0


@given(st.integers(-(10**6), 10**6), weights)
def test_the_order_of_the_parts_does_not_matter(minor: int, parts: dict[str, int]) -> None:
    """Only keys and weights decide."""
    turned = dict(reversed(parts.items()))
    assert allocate(Money(minor, "USD"), parts) == allocate(Money(minor, "USD"), turned)


@pytest.mark.parametrize("parts", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_a_split_over_nothing_is_an_error(parts: dict[str, int]) -> None:
    """A caller's mistake raises."""
    with pytest.raises(ValueError, match="weights"):
        allocate(Money(5, "USD"), parts)
