"""The periods of a subscription: counted from its anchor on the customer's calendar (billing rule 10)."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.subscriptions.subscriptions import SubscriptionStarted
from shared.billing.period import Interval, Period, period_at


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that is not closed: its index, what is billed of it, and its real length."""

    index: int
    period: Period
    full_period: Period


def whole_period_from(terms: SubscriptionStarted, index: int) -> OpenPeriod:
    """The first period at or after an index that is not empty.

    A period is empty only where a zone skipped a day (Samoa had no 30 December 2011): nothing can be
    billed for it, and it would share its first instant, and so its identity, with the next one.
    """
    while True:
        period = period_at(terms.anchor_at, terms.time_zone, Interval.parse(terms.interval), index)
        if period.start < period.end:
            return OpenPeriod(index, period, period)
        index += 1


def open_period_from(terms: SubscriptionStarted, index: int, ends_at: datetime | None) -> OpenPeriod | None:
    """The next period to close, from an index on, cut at `ends_at`; None when none begins before that."""
    whole = whole_period_from(terms, index)
    full = whole.full_period
    if ends_at is None or full.end <= ends_at:
        return whole
    return replace(whole, period=Period(full.start, ends_at)) if full.start < ends_at else None


def end_of_period_at(terms: SubscriptionStarted, instant: datetime, index: int) -> datetime:
    """The end of the period that contains an instant; the search begins at period `index`."""
    whole = whole_period_from(terms, index)
    while whole.period.end <= instant:
        whole = whole_period_from(terms, whole.index + 1)
    return whole.period.end
