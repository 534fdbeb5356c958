"""Intervals, zones and days as they are written, and the vectors of anchors."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from shared.billing.period import (
    Interval,
    IntervalIsInvalid,
    Period,
    ZoneIsUnknown,
    boundary,
    local_date,
    period_at,
    zone_named,
)

MONTH = Interval(months=1, days=0)


def local(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def days_of(anchor: datetime, zone: str, interval: Interval, count: int) -> list[date]:
    return [local_date(boundary(anchor, zone, interval, index), zone) for index in range(count)]


@pytest.mark.parametrize(
    ("text", "months", "days"),
    [("P1M", 1, 0), ("P1Y", 12, 0), ("P2W", 0, 14), ("P10D", 0, 10), ("P1Y2M3W4D", 14, 25), ("P3M", 3, 0)],
)
def test_a_duration_is_read_as_calendar_units(text: str, months: int, days: int) -> None:
    """Any ISO 8601 duration of whole days or more is an interval (billing rule 10)."""
    assert Interval.parse(text) == Interval(months, days)


@pytest.mark.parametrize(
    "text",
    ["", "P", "P0D", "P0M", "PT1H", "P1.5M", "-P1M", "P1D1M", "p1m", "1M", "P1M ", "P١M", "P99999999D"],
)
def test_anything_else_is_refused(text: str) -> None:
    """Also nothing at all, fractions, hours, and digits of other alphabets."""
    with pytest.raises(IntervalIsInvalid):
        Interval.parse(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "right/UTC",
        "a\0b",
        "\ud800",
        "x" * 300,
    ],
)
def test_a_name_that_is_no_place_is_refused(name: str) -> None:
    """No path, no leap-second twin and no setting of the machine passes as a zone."""
    with pytest.raises(ZoneIsUnknown):
        zone_named(name)


def test_an_anchor_on_the_31st_comes_back_after_shorter_months() -> None:
    """Vector V58: 31 Jan, 29 Feb, 31 Mar, 30 Apr; each period ends the day before the next begins."""
    anchor = local("Europe/Berlin", 2024, 1, 31)
    assert days_of(anchor, "Europe/Berlin", MONTH, 4) == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]


@pytest.mark.parametrize(("year", "day"), [(2023, date(2024, 2, 29)), (2024, date(2025, 2, 28))])
def test_two_months_after_new_years_eve_is_the_last_of_february(year: int, day: date) -> None:
    """Vector V59, leap year and other."""
    anchor = local("UTC", year, 12, 31)
    assert days_of(anchor, "UTC", Interval(2, 0), 2)[1] == day


def test_the_time_of_day_is_the_anchors_where_the_customer_lives() -> None:
    """Vector V59: 31 Jan 23:59:59 in Tokyo and two months is 31 Mar 23:59:59 there."""
    anchor = local("Asia/Tokyo", 2024, 1, 31, 23, 59, 59)
    assert boundary(anchor, "Asia/Tokyo", Interval(2, 0), 1) == local("Asia/Tokyo", 2024, 3, 31, 23, 59, 59)


def test_a_leap_day_is_clamped_each_year_and_comes_back() -> None:
    """Vector V60: 29 Feb 2024, yearly."""
    assert days_of(local("UTC", 2024, 2, 29), "UTC", Interval(12, 0), 5) == [
        date(2024, 2, 29),
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


def test_a_week_keeps_its_weekday() -> None:
    """Vector V60: from a Wednesday, always on Wednesdays."""
    anchor = local("America/New_York", 2024, 3, 6, 9)
    assert {day.weekday() for day in days_of(anchor, "America/New_York", Interval(0, 7), 60)} == {2}


@pytest.mark.parametrize(
    ("start", "end", "zone", "days"),
    [
        (
            local("America/New_York", 2024, 3, 9),
            local("America/New_York", 2024, 3, 11),
            "America/New_York",
            2,
        ),
        (
            local("America/New_York", 2024, 11, 2),
            local("America/New_York", 2024, 11, 4),
            "America/New_York",
            2,
        ),
        (local("Australia/Sydney", 2024, 4, 6), local("Australia/Sydney", 2024, 4, 8), "Australia/Sydney", 2),
        (local("Europe/Berlin", 2024, 5, 1, 8), local("Europe/Berlin", 2024, 5, 1, 20), "Europe/Berlin", 0),
        (
            datetime(2024, 7, 15, 12, 30, tzinfo=UTC),
            datetime(2024, 7, 16, 8, 15, tzinfo=UTC),
            "Asia/Tokyo",
            1,
        ),
        (local("UTC", 2023, 5, 15), local("UTC", 2023, 6, 15), "UTC", 31),
        (local("UTC", 2023, 5, 23), local("UTC", 2023, 6, 15), "UTC", 23),
        (local("UTC", 2024, 2, 23), local("UTC", 2024, 3, 15), "UTC", 21),
    ],
)
def test_days_are_counted_on_the_local_calendar(start: datetime, end: datetime, zone: str, days: int) -> None:
    """Vectors V62 and V52: a day of 23 or 25 hours is one day."""
    assert Period(start, end).days(zone) == days


def test_an_instant_on_the_boundary_belongs_to_the_new_period_alone() -> None:
    """Half-open: the end is not in it, the start is."""
    anchor = local("America/New_York", 2024, 1, 1)
    first, second = (period_at(anchor, "America/New_York", MONTH, index) for index in (0, 1))
    assert first.end == second.start
    assert first.end not in first
    assert first.end in second
    assert first.start in first


def test_a_boundary_in_the_hour_that_does_not_exist_falls_after_the_gap() -> None:
    """02:30 on the day when New York's clocks jump from 2 to 3 becomes 03:30."""
    anchor = local("America/New_York", 2024, 2, 10, 2, 30)
    assert boundary(anchor, "America/New_York", MONTH, 1) == local("America/New_York", 2024, 3, 10, 3, 30)


def test_an_anchor_in_an_hour_that_came_twice_draws_no_boundary_on_the_day_before() -> None:
    """Havana's 00:30 came twice on 6 November 2016 and not at all on 12 March 2017: there it is 01:30."""
    anchor = datetime(2016, 11, 6, 5, 30, tzinfo=UTC)
    assert boundary(anchor, "America/Havana", Interval(0, 126), 0) == anchor
    assert boundary(anchor, "America/Havana", Interval(0, 126), 1) == datetime(2017, 3, 12, 5, 30, tzinfo=UTC)
