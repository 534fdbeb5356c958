"""Numbers and tiers in plain words, as the sentences of prices have them."""

from collections.abc import Sequence
from decimal import Decimal

from shared.framework.core.decimals import fixed_point

TIERS_LISTED_MAX = 5
"""So many tiers or cells of a price are in its sentence; of a longer price the first ones and the last."""


def amount_of(amount: Decimal, currency: str) -> str:
    """An amount with its currency or unit: `0.02 USD`."""
    return f"{fixed_point(amount)} {currency}"


def percentage(percent: Decimal, fee: Decimal, currency: str) -> str:
    """A percentage and the fee that comes with it: `1.3% plus 2.00 USD`."""
    return f"{fixed_point(percent)}%" + (f" plus {amount_of(fee, currency)}" if fee else "")


def per_unit(unit_price: Decimal, fee: Decimal, currency: str) -> str:
    """A price per unit and the fee that comes with it: `0.02 USD per unit plus 5 USD`."""
    if fee and not unit_price:
        return amount_of(fee, currency)
    return f"{amount_of(unit_price, currency)} per unit" + (
        f" plus {amount_of(fee, currency)}" if fee else ""
    )


def tier_list(tiers: Sequence[tuple[Decimal | None, str]], joint: str) -> str:
    """Tiers, each its upper bound and its price in words: `a up to 10, then b up to 20, then c above`."""
    if len(tiers) == 1:
        return tiers[0][1]
    parts = [f"{words} up to {fixed_point(bound)}" for bound, words in tiers if bound is not None]
    return listed([*parts, f"{tiers[-1][1]} above"], joint, "tiers")


def listed(parts: Sequence[str], joint: str, noun: str) -> str:
    """The parts, or of too many the first ones, the number of those left out, and the last."""
    if len(parts) > TIERS_LISTED_MAX:
        first = parts[: TIERS_LISTED_MAX - 2]
        parts = [*first, f"{len(parts) - len(first) - 1} more {noun}", parts[-1]]
    return joint.join(parts)
