"""Hours counted from 1970 in UTC, and the hours and parts of hours of a range of time."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ORDINAL_HOURS = _EPOCH_ORDINAL * 24

HOUR_US = _HOUR // timedelta(microseconds=1)

HourOffset = tuple[int, int]
"""An instant as its hour and the microseconds since that hour began."""


class PartialHour(NamedTuple):
    """A part of one hour: offsets [from_us, to_us) in microseconds."""

    hour: int
    from_us: int
    to_us: int


class HourRange(NamedTuple):
    """A range of time as the whole hours [first, last) and at most two parts of hours at its ends."""

    first: int
    last: int
    edges: tuple[PartialHour, ...]


def hour_and_offset(instant: datetime) -> HourOffset:
    """The hour of a UTC instant and the microseconds since that hour began."""
    hour = instant.toordinal() * 24 + instant.hour - _ORDINAL_HOURS
    return hour, (instant.minute * 60 + instant.second) * 1_000_000 + instant.microsecond


def start_of(hour: int) -> datetime:
    """The instant at which an hour begins."""
    return _EPOCH + hour * _HOUR


def day_of(hour: int) -> date:
    """The UTC day that contains an hour."""
    return date.fromordinal(_EPOCH_ORDINAL + hour // 24)


def first_hour(day: date) -> int:
    """The hour with which a UTC day begins."""
    return (day.toordinal() - _EPOCH_ORDINAL) * 24


def hour_range(start: datetime, end: datetime) -> HourRange:
    """The hours of [start, end), both aware instants; no hours if it is empty."""
    first, from_us = hour_and_offset(start.astimezone(UTC))
    last, to_us = hour_and_offset(end.astimezone(UTC))
    if (first, from_us) >= (last, to_us):
        return HourRange(first, first, ())
    if first == last:
        return HourRange(first, first, (PartialHour(first, from_us, to_us),))
    edges = []
    if from_us:
        edges.append(PartialHour(first, from_us, HOUR_US))
    if to_us:
        edges.append(PartialHour(last, 0, to_us))
    return HourRange(first + bool(from_us), last, tuple(edges))
