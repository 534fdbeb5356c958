"""Any stretch of time is whole hours and at most two parts of hours, and nothing of it twice."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.metering.rollups.hours import HOUR_US, day_of, first_hour, hour_and_offset, hour_range, start_of

instants = st.integers(0, 60 * 365 * 86_400_000_000).map(
    lambda microseconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@given(instants, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_stretch_covers_exactly_its_time(start: datetime, length: timedelta) -> None:
    """The parts add up to the length, lie within the bounds and do not overlap."""
    end = start + length
    stretch = hour_range(start, end)
    parts = [(hour, 0, HOUR_US) for hour in range(stretch.first, stretch.last)] + list(stretch.edges)
    assert sum(to - since for _, since, to in parts) == (end - start) / timedelta(microseconds=1)
    assert len({hour for hour, _, _ in parts}) == len(parts)
    for hour, since, to in parts:
        assert start <= start_of(hour) + timedelta(microseconds=since)
        assert start_of(hour) + timedelta(microseconds=to) <= end


@given(instants)
def test_an_instant_lies_in_its_hour_and_day(instant: datetime) -> None:
    """And half an hour of offset changes neither."""
    hour, offset_us = hour_and_offset(instant)
    assert start_of(hour) + timedelta(microseconds=offset_us) == instant
    assert day_of(hour) == instant.date()
    assert first_hour(day_of(hour)) <= hour < first_hour(day_of(hour)) + 24
    kolkata = instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert hour_range(kolkata, kolkata + timedelta(hours=3)) == hour_range(
        instant, instant + timedelta(hours=3)
    )
