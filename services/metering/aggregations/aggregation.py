"""An aggregation: how one event's value is read, and whether the values of several windows may be added."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MeasuredValue = int | Decimal | bytes
"""What one event adds: a number, or a 16-byte digest of a value."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A way to turn events into a quantity.

    `read` returns what is stored of a value, or None if the aggregation cannot count it.
    `is_additive`: sums of numbers are stored, and windows may be added; else different values are stored.
    """

    name: str
    needs_value: bool
    is_additive: bool
    read: Callable[[Any], MeasuredValue | None]
