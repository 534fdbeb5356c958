"""The plain model: what must be billed, worked out again with fractions and nothing of the product's code.

It takes only data from the product: events of subscriptions, accepted usage, and the cut-off of a reading.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

import zstandard

from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionStarted
from tests.simulation.facts import Facts

GRACE = timedelta(hours=1)
PLACES = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
DAYS = {"P1D": 1, "P3D": 3, "P1W": 7}


@dataclass(frozen=True, slots=True)
class PlainPeriod:
    """A period of a subscription; `full_*` are its bounds before the start or a cancellation cut it."""

    start: datetime
    end: datetime
    full_start: datetime
    full_end: datetime


def periods_of(facts: Facts) -> dict[str, list[PlainPeriod]]:
    """The periods of every subscription that begin by now, from its anchor to its end."""
    ends: dict[str, datetime] = {}
    for _, event in facts.all(SubscriptionCancelled):
        ends[event.subscription_id] = min(event.ends_at, ends.get(event.subscription_id, event.ends_at))
    return {
        event.subscription_id: _periods(
            event, ends.get(event.subscription_id), facts.now_of(record.tenant_id)
        )
        for record, event in facts.all(SubscriptionStarted)
    }


def _periods(started: SubscriptionStarted, ends_at: datetime | None, now: datetime) -> list[PlainPeriod]:
    found: list[PlainPeriod] = []
    zone, days = ZoneInfo(started.time_zone), DAYS[started.interval]
    local = started.anchor_at.astimezone(zone).replace(tzinfo=None)
    start, number, first = started.anchor_at.astimezone(UTC), 1, started.starts_at or started.anchor_at
    while start <= now and (ends_at is None or start < ends_at):
        end = (local + timedelta(days=days * number)).replace(tzinfo=zone).astimezone(UTC)
        one = PlainPeriod(max(start, first), end if ends_at is None else min(end, ends_at), start, end)
        if one.start < one.end:
            found.append(one)
        start, number = end, number + 1
    return found


def local_days(start: datetime, end: datetime, zone: str) -> int:
    """Calendar days from one instant to another where the customer lives."""
    first, last = (instant.astimezone(ZoneInfo(zone)).date() for instant in (start, end))
    return (last - first).days


@dataclass(frozen=True, slots=True)
class PlainUsage:
    """An accepted usage event, and the position of the batch in which it was accepted."""

    tenant: str
    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]
    position: int
    accepted_at: datetime


def usage_of(facts: Facts) -> list[PlainUsage]:
    """All accepted usage, read from the stored bytes."""
    found = []
    for record, _ in facts.all(UsageRecorded):
        state = record.state
        if state[:4] == b"\x28\xb5\x2f\xfd":
            state = zstandard.ZstdDecompressor().decompress(state)
        for event in json.loads(state, parse_float=Decimal, parse_int=Decimal)["events"]:
            time = datetime.fromisoformat(event["time"])
            found.append(
                PlainUsage(
                    record.tenant_id, event["id"], event["type"], event["subject"], time,
                    event.get("data", {}), record.position, record.recorded_at,
                )
            )  # fmt: skip
    return found


Dimensions = tuple[tuple[str, str], ...]


def quantities(meter: dict[str, Any], events: Iterable[PlainUsage]) -> dict[Dimensions, Fraction]:
    """What a meter counts of these events, by dimensions; `meter` is the body that was posted."""
    groups: dict[Dimensions, list[Any]] = {}
    path = meter.get("value_path")
    for event in events:
        allowed = meter.get("filter", {})
        if event.type != meter["event_type"] or any(
            event.data.get(k, "") not in v for k, v in allowed.items()
        ):
            continue
        value = event.data.get(path) if path else 1
        if path and (value is None or (meter["aggregation"] == "sum" and not isinstance(value, Decimal))):
            continue
        dimensions = tuple((name, str(event.data.get(name, ""))) for name in meter.get("group_by", []))
        groups.setdefault(dimensions, []).append(value)
    return {dimensions: _aggregated(meter["aggregation"], values) for dimensions, values in groups.items()}


def _aggregated(aggregation: str, values: Sequence[Any]) -> Fraction:
    if aggregation == "unique_count":
        return Fraction(len({(type(value), value) for value in values}))
    return sum((Fraction(value) for value in values), Fraction(0))


def price_of(price: dict[str, Any], quantity: Fraction) -> Fraction:
    """The exact amount of a usage price."""
    quantity = max(quantity, Fraction(0))
    if price["model"] == "per_unit":
        return quantity * Fraction(price["unit_price"])
    amount, below = Fraction(0), Fraction(0)
    for tier in price["tiers"]:
        top = None if tier["up_to"] is None else Fraction(tier["up_to"])
        units = (quantity if top is None else min(quantity, top)) - below
        first_is_due = below == 0 and price["flat_at_zero"]
        if units > 0 or first_is_due:
            amount += max(units, Fraction(0)) * Fraction(tier["unit_price"]) + Fraction(tier["flat_fee"])
        if top is None or quantity <= top:
            break
        below = top
    return amount


def flat_of(price: dict[str, Any], days: int, full_days: int) -> Fraction:
    """The exact amount of a flat price for a part of a period."""
    return Fraction(price["amount"]) * min(days, full_days) / full_days


def minor(amount: Fraction, currency: str) -> int:
    """Minor units, rounded half away from zero; amounts are not negative."""
    return floor(amount * int(10 ** PLACES[currency]) + Fraction(1, 2))


def day_of(instant: datetime) -> date:
    """The UTC day of an instant."""
    return instant.astimezone(UTC).date()
