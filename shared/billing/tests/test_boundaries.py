"""Boundaries tile time in every zone of the world, and never drift away from their anchor."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import example, given
from hypothesis import strategies as st

from shared.billing.period import Interval, boundary, local_date, period_at

PLACES = sorted(zone for zone in available_timezones() if "/" in zone)
# Half hours, quarters, half-hour summer time, a skipped day, switches at midnight, both hemispheres.
HARD = [
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Chatham",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",
]
zones = st.sampled_from(HARD) | st.sampled_from(PLACES)
anchors = st.integers(0, 50 * 366 * 24 * 60).map(
    lambda minutes: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
intervals = st.builds(Interval, st.integers(0, 14), st.integers(0, 40)).filter(
    lambda i: i.months + i.days > 0
)
MONTHLY = Interval(1, 0)


@given(anchors, zones, intervals, st.integers(0, 40))
@example(datetime(2011, 12, 1, 10, tzinfo=UTC), "Pacific/Apia", Interval(0, 1), 28)
def test_periods_tile_time_without_gap_or_overlap(
    anchor: datetime, zone: str, interval: Interval, index: int
) -> None:
    """Each begins where the one before ended, the first at the anchor itself; none runs backwards."""
    periods = [period_at(anchor, zone, interval, place) for place in range(index, index + 4)]
    assert boundary(anchor, zone, interval, 0) == anchor
    assert all(one.end == other.start for one, other in pairwise(periods))
    assert all(period.start <= period.end for period in periods)


@given(anchors, zones, intervals, st.floats(0, 1))
def test_every_instant_lies_in_exactly_one_period(
    anchor: datetime, zone: str, interval: Interval, part: float
) -> None:
    """Also the instants of a night that is an hour longer or shorter."""
    periods = [period_at(anchor, zone, interval, index) for index in range(13)]
    instant = anchor + (periods[-1].start - anchor) * part
    assert sum(instant in period for period in periods) == 1


@given(anchors, zones, st.integers(1, 14), st.integers(0, 60))
def test_a_boundary_is_on_the_anchors_day_or_the_last_of_a_shorter_month(
    anchor: datetime, zone: str, months: int, index: int
) -> None:
    """However many boundaries lie between: nothing is carried from one to the next."""
    start = anchor.astimezone(ZoneInfo(zone))
    months_on = start.year * 12 + start.month - 1 + months * index
    year, month = months_on // 12, months_on % 12 + 1
    naive = start.replace(
        year=year, month=month, day=min(start.day, monthrange(year, month)[1]), tzinfo=None, fold=0
    )
    got = (
        boundary(anchor, zone, Interval(months, 0), index)
        .astimezone(ZoneInfo(zone))
        .replace(tzinfo=None, fold=0)
    )
    assert got == naive or _is_skipped(naive, zone)


@given(anchors, zones, intervals)
def test_days_of_periods_add_up(anchor: datetime, zone: str, interval: Interval) -> None:
    """Days counted period by period are the days of the whole, so parts of them never exceed it."""
    periods = [period_at(anchor, zone, interval, index) for index in range(12)]
    whole = local_date(periods[-1].end, zone) - local_date(periods[0].start, zone)
    assert timedelta(days=sum(period.days(zone) for period in periods)) == whole


@given(anchors, zones, intervals, st.integers(0, 30))
def test_a_period_with_any_length_has_at_least_one_day(
    anchor: datetime, zone: str, interval: Interval, index: int
) -> None:
    """The denominator of a proration is never zero (billing rule 9)."""
    period = period_at(anchor, zone, interval, index)
    assert period.days(zone) >= 1 or period.start == period.end


def test_samoa_had_no_30_december_2011() -> None:
    """The daily period of a day that never was is empty; its neighbours are whole."""
    anchor = datetime(2011, 12, 28, 10, tzinfo=UTC)  # midnight in Apia
    lengths = [period_at(anchor, "Pacific/Apia", Interval(0, 1), index) for index in range(4)]
    hours = [(period.end - period.start) // timedelta(hours=1) for period in lengths]
    assert hours == [24, 24, 0, 24]


def _is_skipped(naive: datetime, zone: str) -> bool:
    """Whether clocks in the zone never showed this local time."""
    there_and_back = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
    return there_and_back.replace(tzinfo=None, fold=0) != naive
