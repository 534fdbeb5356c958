"""Splitting money without losing a cent: the largest remainder method."""

from collections.abc import Mapping
from fractions import Fraction

from shared.billing.money import Money


def allocate(whole: Money, weights: Mapping[str, int]) -> dict[str, Money]:
    """Split `whole` in proportion to integer `weights`; the parts always sum to the whole (billing rule 2).

    Every part is first cut toward zero; what is left goes, one minor unit each, to the largest
    remainders, ties by key (V5 and V6). Weights must not be negative and
    at least one must be positive, else ValueError.
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
