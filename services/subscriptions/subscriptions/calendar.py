"""The periods of a subscription: counted from its anchor on the customer's calendar (billing rule 10)."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime

from services.subscriptions.subscriptions.terms import Terms
from shared.billing.period import Interval, Period, boundary, period_at

_MONTH_DAYS_MIN = 28


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that is not closed: its index, what is billed of it, and its real length."""

    index: int
    period: Period
    full_period: Period


def first_index(terms: Terms) -> int:
    """The index of the period, counted from the anchor, in which the terms begin."""
    return index_at(terms, Interval.parse(terms.interval), terms.since)


def index_at(terms: Terms, interval: Interval, instant: datetime) -> int:
    """The index of the interval, counted from the anchor, in which an instant lies; 0 before the anchor."""
    anchor = terms.anchor_at
    if instant <= anchor:
        return 0
    days_min = interval.months * _MONTH_DAYS_MIN + interval.days
    indexes = range((instant - anchor).days // days_min + 2)
    return (
        bisect_right(indexes, instant, key=lambda one: boundary(anchor, terms.time_zone, interval, one)) - 1
    )


def period_of(terms: Terms, interval: Interval, instant: datetime) -> Period:
    """The interval, counted from the anchor, in which an instant lies."""
    return period_at(terms.anchor_at, terms.time_zone, interval, index_at(terms, interval, instant))


def next_period_from(terms: Terms, index: int) -> OpenPeriod:
    """The first period at or after an index that is not empty; the one with the terms' start begins there.

    A period is empty only where a zone skipped a day (Samoa had no 30 December 2011): nothing can be
    billed for it, and it would share its first instant, and so its identity, with the next one.
    """
    while True:
        full = period_at(terms.anchor_at, terms.time_zone, Interval.parse(terms.interval), index)
        if full.start < full.end:
            return OpenPeriod(index, Period(max(full.start, terms.since), full.end), full)
        index += 1


def open_period_from(terms: Terms, index: int, ends_at: datetime | None) -> OpenPeriod | None:
    """The next period to close, from an index on, cut at `ends_at`; None when none begins before that."""
    due = next_period_from(terms, index)
    if ends_at is None or due.period.end <= ends_at:
        return due
    start = due.period.start
    return replace(due, period=Period(start, ends_at)) if start < ends_at else None


def end_of_period_at(terms: Terms, instant: datetime, index: int) -> datetime:
    """The end of the period that contains an instant; the search begins at period `index`."""
    found = next_period_from(terms, index)
    while found.period.end <= instant:
        found = next_period_from(terms, found.index + 1)
    return found.period.end
