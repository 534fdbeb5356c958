"""Buckets of time are whole hours and parts of hours, and nothing of them twice."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from services.metering.rollups.hours import (
    HOUR_US,
    day_of,
    first_hour,
    hour_and_offset,
    hour_buckets,
    start_of,
)

instants = st.integers(0, 60 * 365 * 86_400_000_000).map(
    lambda microseconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


# Close to each other, and now and then the same or on the hour.
steps = st.sampled_from([0, 1, 1_800_000_000, HOUR_US, 24 * HOUR_US]) | st.integers(0, 3 * HOUR_US)


@given(instants, st.booleans(), st.lists(steps, min_size=1, max_size=8))
def test_buckets_cover_exactly_their_time(start: datetime, on_the_hour: bool, lengths: list[int]) -> None:
    """The hours and parts of each bucket add up to its length, lie within its bounds and do not overlap."""
    bounds = [start.replace(minute=0, second=0, microsecond=0) if on_the_hour else start]
    for length in lengths:
        bounds.append(bounds[-1] + timedelta(microseconds=length))
    buckets = hour_buckets(bounds)
    cut = {part.hour for part in buckets.parts}
    whole = [
        (hour, 0, HOUR_US, bisect_right(buckets.firsts, hour) - 1)
        for hour in range(buckets.firsts[0], buckets.end)
        if hour not in cut
    ]
    covered = [0] * len(lengths)
    for hour, since, to, bucket in [*whole, *buckets.parts]:
        covered[bucket] += to - since
        assert bounds[bucket] <= start_of(hour) + timedelta(microseconds=since)
        assert start_of(hour) + timedelta(microseconds=to) <= bounds[bucket + 1]
    assert covered == lengths


@given(instants)
def test_an_instant_lies_in_its_hour_and_day(instant: datetime) -> None:
    """And half an hour of offset changes neither."""
    hour, offset_us = hour_and_offset(instant)
    assert start_of(hour) + timedelta(microseconds=offset_us) == instant
    assert day_of(hour) == instant.date()
    assert first_hour(day_of(hour)) <= hour < first_hour(day_of(hour)) + 24
    kolkata = instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert hour_buckets([kolkata, kolkata + timedelta(hours=3)]) == hour_buckets(
        [instant, instant + timedelta(hours=3)]
    )
