"""An aggregation: how one event's value is read, and how the values of many events become one quantity."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

MeasuredValue = int | Decimal | bytes
"""What one event adds: a number, or a 16-byte digest of a value."""


class Combination(StrEnum):
    """How values become a quantity: their sum, the greatest of them, or the number of different ones."""

    SUM = "sum"
    MAXIMUM = "maximum"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A way to turn events into a quantity.

    `read` returns what is stored of a value, or None if the aggregation cannot count it.
    """

    name: str
    needs_value: bool
    combination: Combination
    read: Callable[[Any], MeasuredValue | None]
