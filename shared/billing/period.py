"""Half-open periods, and their boundaries, counted from an anchor on a customer's calendar."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shared.framework.core.refusals import Refusal, RefusalKind

_DURATION = re.compile(
    r"P(?=\d)(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?",
    re.ASCII,
)

# Files of a zone database that are not zones: their content depends on the machine, or counts leap seconds.
_NOT_ZONES = ("localtime", "posixrules", "posix/", "right/", "Factory")


class ZoneIsUnknown(Refusal):
    """The time zone is not in the IANA database."""

    code = "time-zone-unknown"
    kind = RefusalKind.INVALID


class IntervalIsInvalid(Refusal):
    """A billing interval is an ISO 8601 duration of years, months, weeks or days, such as P1M."""

    code = "interval-invalid"
    kind = RefusalKind.INVALID


class Period(msgspec.Struct, frozen=True):
    """The aware instants [start, end); an event exactly at `end` belongs to the next period."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        """Whether an instant is in the period; `end` is not."""
        return self.start <= instant < self.end

    def days(self, zone: str) -> int:
        """Local calendar days from start to end; a 23 h or 25 h day counts one (billing rules 9 and 10)."""
        return (local_date(self.end, zone) - local_date(self.start, zone)).days


class Interval(msgspec.Struct, frozen=True):
    """The length of a billing period in calendar months and days."""

    months: int
    days: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The interval of an ISO 8601 duration (`P1M`, `P1Y`, `P2W`, `P10D`). Raises IntervalIsInvalid."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise IntervalIsInvalid(text)
        count = {unit: int(digits or 0) for unit, digits in match.groupdict().items()}
        interval = cls(count["years"] * 12 + count["months"], count["weeks"] * 7 + count["days"])
        if not 0 < interval.months + interval.days:
            raise IntervalIsInvalid(text)
        return interval

    def multiple_of(self, other: "Interval") -> int | None:
        """How many of the other interval this one has, if that is a whole number on every calendar."""
        pairs = [(self.months, other.months), (self.days, other.days)]
        if any((mine == 0) != (theirs == 0) for mine, theirs in pairs):
            return None
        counts = {divmod(mine, theirs) for mine, theirs in pairs if theirs}
        count, rest = counts.pop()
        return count if not counts and rest == 0 else None


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of this name. Raises ZoneIsUnknown."""
    if name.startswith(_NOT_ZONES):
        raise ZoneIsUnknown(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ZoneIsUnknown(name) from None


def local_date(instant: datetime, zone: str) -> date:
    """The calendar day of an instant in a zone. Raises ZoneIsUnknown."""
    return instant.astimezone(zone_named(zone)).date()


def boundary(anchor: datetime, zone: str, interval: Interval, index: int) -> datetime:
    """The start of period `index`, counted from the anchor (index 0), as an aware UTC instant.

    Every boundary is computed from the anchor's local day, so a 31st that was clamped to the 29th
    comes back as the 31st; the zone's rules at that date give the instant (billing rule 10, vectors V58-V60).
    Where a zone once skipped a whole day (Samoa, 2011), two daily boundaries are one instant.
    """
    if index == 0:
        return anchor.astimezone(UTC)
    # Only the anchor itself may lie in the second pass of an hour that comes twice.
    local = anchor.astimezone(zone_named(zone)).replace(fold=0)
    day = _add_months(local.date(), interval.months * index) + timedelta(days=interval.days * index)
    return datetime.combine(day, local.time(), tzinfo=zone_named(zone)).astimezone(UTC)


def period_at(anchor: datetime, zone: str, interval: Interval, index: int) -> Period:
    """The half-open period of this index."""
    return Period(boundary(anchor, zone, interval, index), boundary(anchor, zone, interval, index + 1))


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
