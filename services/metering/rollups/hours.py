"""Hours counted from 1970 in UTC, and the hours and parts of hours of buckets of time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ORDINAL_HOURS = _EPOCH_ORDINAL * 24

HOUR_US = _HOUR // timedelta(microseconds=1)

HourOffset = tuple[int, int]
"""An instant as its hour and the microseconds since that hour began."""


class PartialHour(NamedTuple):
    """A part of one hour, offsets [from_us, to_us) in microseconds, and the bucket that it belongs to."""

    hour: int
    from_us: int
    to_us: int
    bucket: int


class HourBuckets(NamedTuple):
    """Buckets that follow each other, as whole hours and the parts of those in which one begins or ends.

    An hour of [firsts[0], end) that `parts` do not name belongs to the last bucket with a first hour <= it.
    """

    firsts: tuple[int, ...]
    end: int
    parts: tuple[PartialHour, ...]


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


def hour_buckets(bounds: Sequence[datetime]) -> HourBuckets:
    """The buckets between neighbours of these aware instants; empty where the next one is not later."""
    cuts = [hour_and_offset(bound.astimezone(UTC)) for bound in bounds]
    parts = []
    for bucket, ((first, from_us), (last, to_us)) in enumerate(pairwise(cuts)):
        if (first, from_us) >= (last, to_us):
            continue
        if first == last:
            parts.append(PartialHour(first, from_us, to_us, bucket))
            continue
        if from_us:
            parts.append(PartialHour(first, from_us, HOUR_US, bucket))
        if to_us:
            parts.append(PartialHour(last, 0, to_us, bucket))
    firsts = tuple(hour + bool(offset) for hour, offset in cuts[:-1])
    return HourBuckets(firsts, cuts[-1][0], tuple(parts))
