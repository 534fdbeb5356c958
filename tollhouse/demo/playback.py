"""The demo's year: usage in and time forward, month by month, all through the public API."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tollhouse.client import Client
from tollhouse.demo.flights import Departure
from tollhouse.demo.scenario import AIRLINES, METERS, OPENED_AT, PLANS, TAX_RATE, Airline

EVENTS_PER_REQUEST = 1000
REQUESTS_AT_ONCE = 4
SETTLE_IN = timedelta(minutes=30)
"""How long after a period's end the demo still sends its last flights: inside metering's hour of grace."""
GRACE = timedelta(hours=1)
LAST_DUNNING = timedelta(days=20)
"""Long enough for the last month's declined cards to be tried +3, +5 and +7 days later."""

DeliveryOrder = Callable[[Sequence[Departure]], Sequence[Departure]]
ProgressCallback = Callable[[int], None]


@dataclass(slots=True)
class DeliveryCounts:
    """What became of the events that were sent."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0


def in_order(departures: Sequence[Departure]) -> Sequence[Departure]:
    """Deliver as it happened."""
    return departures


async def open_account(client: Client) -> None:
    """The tenant's clock, meters, plans, tax, and its sixteen customers with card and subscription."""
    await client.command("subscriptions", "/v1/test-clock", {"now": OPENED_AT}, key="clock")
    for meter in METERS:
        await client.command("metering", "/v1/meters", meter, key=f"meter-{meter['key']}")
    for plan in PLANS:
        await client.command("subscriptions", "/v1/plans", plan, key=f"plan-{plan['key']}")
    tax = {"name": "NY sales tax", "rate": TAX_RATE, "source": "New York State, 2013"}
    await client.command("invoicing", "/v1/tax-rate", tax, method="PUT")
    for airline in AIRLINES:
        await _onboard(client, airline)


async def _onboard(client: Client, airline: Airline) -> None:
    customer = {"external_id": airline.carrier, "currency": "USD", "time_zone": airline.time_zone}
    answer = await client.command(
        "subscriptions", "/v1/customers", customer, key=f"customer-{airline.carrier}"
    )
    customer_id = answer["customer_id"]
    card = {"customer_id": customer_id, "gateway": "sandbox", "token": airline.token}
    await client.command("payments", "/v1/payment-methods", card, key=f"card-{airline.carrier}")
    start = {
        "customer_id": customer_id,
        "plan_key": airline.plan,
        "anchor_at": datetime(2013, 1, 1, tzinfo=ZoneInfo(airline.time_zone)).astimezone(UTC),
    }
    await client.command("subscriptions", "/v1/subscriptions", start, key=f"subscription-{airline.carrier}")


async def play_months(
    client: Client,
    departures: Sequence[Departure],
    months: int,
    *,
    deliver: DeliveryOrder = in_order,
    told: ProgressCallback = lambda count: None,
) -> DeliveryCounts:
    """Move the clock from close to close and deliver what has left by then; `told` hears of each batch."""
    sent, outcome = 0, DeliveryCounts()
    for close in closes(months):
        await advance(client, close)
        by_now = bisect_left(departures, close, key=lambda departure: departure.left_at)
        await _send(client, deliver(departures[sent:by_now]), outcome, told)
        sent = by_now
    await advance(client, closes(months)[-1] + GRACE)
    await advance(client, closes(months)[-1] + LAST_DUNNING)
    return outcome


def closes(months: int) -> list[datetime]:
    """The instants at which the demo stops to send: shortly after each zone's month is over."""
    zones = sorted({airline.time_zone for airline in AIRLINES})
    ends = {
        datetime(2013 + month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for month in range(1, months + 1)
        for zone in zones
    }
    return [end + SETTLE_IN for end in sorted(ends)]


async def advance(client: Client, to: datetime) -> None:
    """Move the tenant's clock."""
    await client.command(
        "subscriptions", "/v1/test-clock/advance", {"to": to}, key=f"advance-{to.isoformat()}"
    )


async def _send(
    client: Client, departures: Sequence[Departure], outcome: DeliveryCounts, told: ProgressCallback
) -> None:
    places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def send(batch: Sequence[Departure]) -> None:
        async with places:
            answer = await client.send_events([departure.event for departure in batch])
        outcome.accepted += answer["accepted"]
        outcome.duplicates += answer["duplicates"]
        outcome.refused += answer["rejected"] + answer["conflicts"]
        told(len(batch))

    async with asyncio.TaskGroup() as tasks:
        for start in range(0, len(departures), EVENTS_PER_REQUEST):
            tasks.create_task(send(departures[start : start + EVENTS_PER_REQUEST]))
