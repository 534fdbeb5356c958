"""The part of a period that is billed: by local day, by second, or the whole (billing rule 9)."""

from datetime import timedelta
from fractions import Fraction
from typing import Literal, NamedTuple

from shared.billing.period import Period

Proration = Literal["day", "second", "none"]
"""How a part of a period is billed: by the customer's calendar days, by seconds, or as a whole period."""

_MICROSECOND = timedelta(microseconds=1)


class Share(NamedTuple):
    """The part of a full period that is billed: `part` of `whole` days, or of what `unit` says."""

    part: int
    whole: int
    unit: str = "days"

    @property
    def words(self) -> str:
        """The end of a description: `, 17 of 31 days`; empty for the whole."""
        return "" if self.part == self.whole else f", {self.part} of {self.whole} {self.unit}"


WHOLE = Share(1, 1)


def share_of(period: Period, full_period: Period, zone: str, proration: Proration) -> Share:
    """The share that a period is of its real length, at most the whole."""
    if proration == "none":
        return WHOLE
    if proration == "second":
        part = (period.end - period.start) // _MICROSECOND
        full = (full_period.end - full_period.start) // _MICROSECOND
        ratio = Fraction(part, full) if full else Fraction(1)
        return WHOLE if ratio >= 1 else Share(ratio.numerator, ratio.denominator, "seconds")
    days, full_days = period.days(zone), full_period.days(zone)
    return Share(min(days, full_days), full_days)
