"""The part of a period that is billed: by local day, by second, or the whole (billing rule 9)."""

from datetime import datetime
from fractions import Fraction
from typing import Literal

from shared.billing.period import Period

Proration = Literal["day", "second", "none"]
"""How a part of a period is billed: by the customer's calendar days, by seconds, or as a whole period."""


def part_of(period: Period, full_period: Period, zone: str, proration: Proration) -> tuple[int, int, str]:
    """The numerator and denominator of the part, at most the whole, and their unit (days, seconds)."""
    if proration == "none":
        return 1, 1, "periods"
    if proration == "second":
        part, full = (
            _microseconds(period.start, period.end),
            _microseconds(full_period.start, full_period.end),
        )
        ratio = Fraction(part, full) if full else Fraction(1)
        return (1, 1, "seconds") if ratio >= 1 else (ratio.numerator, ratio.denominator, "seconds")
    days, full_days = period.days(zone), full_period.days(zone)
    return min(days, full_days), full_days, "days"


def _microseconds(start: datetime, end: datetime) -> int:
    delta = end - start
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
