"""The hours, days and months of a period: the parts for which some prices need the usage of each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from shared.billing.period import Period, local_date, zone_named
from shared.billing.pricing import UsageDetail

_HOUR = timedelta(hours=1)


def bounds_of(period: Period, detail: UsageDetail, zone: str) -> Sequence[datetime]:
    """The instants at which the parts of a period begin, and its end, in ascending order.

    Days and months are those of the zone (a day has 23 or 25 hours where clocks change), hours are UTC hours.
    The first and the last part are cut at the ends of the period. Raises ZoneIsUnknown.
    """
    match detail:
        case UsageDetail.HOURS:
            starts = _hours(period)
        case UsageDetail.DAYS:
            starts = (_midnight(day, zone) for day in _days(period, zone))
        case UsageDetail.MONTHS:
            starts = (_midnight(day, zone) for day in _days(period, zone) if day.day == 1)
        case _:
            starts = iter(())
    return sorted({period.start, *(start for start in starts if start in period), period.end})


def _hours(period: Period) -> Iterator[datetime]:
    start = period.start.replace(minute=0, second=0, microsecond=0)
    while start < period.end:
        yield start
        start += _HOUR


def _days(period: Period, zone: str) -> Iterator[date]:
    first, last = local_date(period.start, zone), local_date(period.end, zone)
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def _midnight(day: date, zone: str) -> datetime:
    """The instant at which a local day begins; where midnight is skipped, the first instant after it."""
    return datetime.combine(day, time(), tzinfo=zone_named(zone)).astimezone(UTC)
