"""What an aggregation is: how one event's value is read, and whether windows may be added up."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MeasuredValue = int | Decimal | bytes
"""What one event adds: a number, or 16 bytes that stand for a value."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A way to turn events into a quantity.

    `read` gives what is kept of a value, or None when the value cannot be counted in this way.
    `is_additive`: numbers are kept and windows add up; otherwise different values are kept and counted.
    """

    name: str
    needs_value: bool
    is_additive: bool
    read: Callable[[Any], MeasuredValue | None]
