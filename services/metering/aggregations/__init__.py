"""The ways to count: what is kept of one event's value, and whether windows may be added up.

Sums add across windows; the number of different values never does, so the values themselves are kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from shared.billing.usage_quantity import quantity_of

MeasuredValue = int | Decimal | bytes
"""What one event adds: a number, or 16 bytes that stand for a value."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """`read` gives what is kept of a value, or None when the value cannot be counted in this way."""

    name: str
    needs_value: bool
    is_additive: bool
    read: Callable[[Any], MeasuredValue | None]


def _one(_: Any) -> int:
    return 1


def _digest(value: Any) -> bytes | None:
    spelt = _canonical_text(value)
    return None if spelt is None else blake2b(spelt.encode(), digest_size=16).digest()


def _canonical_text(value: Any) -> str | None:
    """Equal values alike, different ones differently: 1 and 1.0 are one number, and not the text `1`."""
    if type(value) is str:
        return f"text {value}"
    if type(value) is bool:
        return f"truth {value}"
    if type(value) is int:
        return f"number {value}"
    if type(value) is Decimal:
        whole = value == value.to_integral_value()
        return f"number {int(value)}" if whole else f"number {value.normalize():f}"
    return None


AGGREGATIONS: Mapping[str, Aggregation] = {
    one.name: one
    for one in (
        Aggregation("count", needs_value=False, is_additive=True, read=_one),
        Aggregation("sum", needs_value=True, is_additive=True, read=quantity_of),
        Aggregation("unique_count", needs_value=True, is_additive=False, read=_digest),
    )
}
