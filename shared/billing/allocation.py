"""Allocation of money by the largest remainder method."""

from collections.abc import Mapping
from fractions import Fraction

from shared.billing.money import Money


def allocate(whole: Money, weights: Mapping[str, int]) -> dict[str, Money]:
    """`whole` in parts proportional to integer `weights`, by key; the parts sum to it (billing rule 2).

    Every part is first cut toward zero; the minor units that are left go one each to the largest
    remainders, ties by key (vectors V5 and V6). ValueError if a weight is negative, or none is positive.
    """
    sum_of_weights = sum(weights.values())
    if sum_of_weights <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    sign = -1 if whole.minor < 0 else 1
    exact = {key: Fraction(abs(whole.minor) * weight, sum_of_weights) for key, weight in weights.items()}
    parts = {key: int(share) for key, share in exact.items()}
    left = abs(whole.minor) - sum(parts.values())
    by_remainder = sorted(exact, key=lambda key: (parts[key] - exact[key], key))
    for key in by_remainder[:left]:
        parts[key] += 1
    return {key: Money(sign * minor, whole.currency) for key, minor in parts.items()}
