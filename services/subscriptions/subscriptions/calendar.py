"""Which periods a subscription has: reckoned from its anchor on the customer's own calendar."""

from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.subscriptions.subscriptions import SubscriptionStarted
from shared.billing.period import Interval, Period, period_at


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """The period that is closed next: what is billed of it, and how long it really is."""

    index: int
    period: Period
    full_period: Period


def period_from(terms: SubscriptionStarted, index: int) -> tuple[int, Period]:
    """The first period at or after an index that has any length, and its index.

    A period has none only where a zone skipped a day (Samoa had no 30 December 2011): nothing can be
    billed for it, and it would share its first instant, and so its identity, with the next one.
    """
    while True:
        period = period_at(terms.anchor_at, terms.time_zone, Interval.parse(terms.interval), index)
        if period.start < period.end:
            return index, period
        index += 1


def due_period(terms: SubscriptionStarted, index: int, ends_at: datetime | None) -> OpenPeriod | None:
    """The period from this index on that is closed next, cut at the end; None when none begins before it."""
    index, full = period_from(terms, index)
    if ends_at is None or full.end <= ends_at:
        return OpenPeriod(index, full, full)
    if ends_at <= full.start:
        return None
    return OpenPeriod(index, Period(full.start, ends_at), full)


def end_of_period_at(terms: SubscriptionStarted, moment: datetime, index: int) -> datetime:
    """When the period ends that contains this moment, looking from period `index` on."""
    index, period = period_from(terms, index)
    while period.end <= moment:
        index, period = period_from(terms, index + 1)
    return period.end
