"""The parts of a period are the hours, days and months of the customer's calendar."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metering.readings.calendar import bounds_of
from shared.billing.period import Period
from shared.billing.pricing import UsageDetail

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)

# Offsets of whole, half and quarter hours; clocks that change at midnight, by half an hour, by a whole day.
ZONES = [
    "UTC", "America/New_York", "Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe", "America/Sao_Paulo",
    "Pacific/Apia",
]  # fmt: skip
starts = st.integers(0, 30 * 365 * 86_400_000_000).map(
    lambda microseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
periods = st.builds(
    lambda start, length: Period(start, start + length),
    starts,
    st.timedeltas(MICROSECOND, timedelta(days=70)),
)


@given(periods, st.sampled_from(ZONES))
def test_a_part_is_one_day_or_one_month_of_the_zone(period: Period, zone: str) -> None:
    """Its first and its last instant have the same date, and the next part begins with another one."""
    for detail, text in ((UsageDetail.DAYS, "%Y-%m-%d"), (UsageDetail.MONTHS, "%Y-%m")):
        bounds = bounds_of(period, detail, zone)
        assert (bounds[0], bounds[-1]) == (period.start, period.end)
        names = []
        for start, end in pairwise(bounds):
            first, last = (
                instant.astimezone(ZoneInfo(zone)).strftime(text) for instant in (start, end - MICROSECOND)
            )
            assert first == last
            names.append(first)
        assert len(set(names)) == len(names)


@given(periods)
def test_hours_are_those_of_utc(period: Period) -> None:
    """Cut at the ends of the period."""
    bounds = bounds_of(period, UsageDetail.HOURS, "Asia/Kathmandu")
    assert (bounds[0], bounds[-1]) == (period.start, period.end)
    assert all(bound.minute == bound.second == bound.microsecond == 0 for bound in bounds[1:-1])
    assert all(timedelta(0) < end - start <= HOUR for start, end in pairwise(bounds))


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), [23, 24]),
        ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), [25, 24]),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, tzinfo=UTC), [24.5, 24]),
        ("Asia/Beirut", datetime(2026, 3, 27, 22, tzinfo=UTC), [24, 23]),
        ("Asia/Kolkata", datetime(2026, 3, 27, 18, 30, tzinfo=UTC), [24, 24]),
    ],
)
def test_a_day_on_which_clocks_change_is_one_part(zone: str, start: datetime, hours: list[float]) -> None:
    """It has 23 or 25 hours, or another half of one."""
    period = Period(start, start + sum(hours) * HOUR)
    bounds = bounds_of(period, UsageDetail.DAYS, zone)
    assert [(end - start) / HOUR for start, end in pairwise(bounds)] == hours


def test_a_total_has_no_parts() -> None:
    """It is one stretch of time."""
    period = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert bounds_of(period, UsageDetail.TOTAL, "UTC") == [period.start, period.end]
