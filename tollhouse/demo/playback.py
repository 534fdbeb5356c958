"""Plays the demo's months through the public API: sends usage and advances the test clock."""

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
LAST_DELIVERY_AFTER = timedelta(minutes=30)
"""How long after a period's end its last flights are sent: within metering's grace period of an hour."""
GRACE = timedelta(hours=1)
LAST_DUNNING = timedelta(days=20)
"""Long enough for declined cards of the last month to be retried after 3, 5 and 7 days."""

DeliveryOrder = Callable[[Sequence[Departure]], Sequence[Departure]]
ProgressCallback = Callable[[int], None]


@dataclass(slots=True)
class DeliveryCounts:
    """How many events were accepted, were duplicates, and were refused."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0


def in_order(departures: Sequence[Departure]) -> Sequence[Departure]:
    """The departures as they are, in order of time."""
    return departures


async def set_up_tenant(client: Client) -> None:
    """Create test clock, meters, plans, tax rate, and sixteen customers with card and subscription."""
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
        "starts_at": datetime(2013, 1, 1, tzinfo=ZoneInfo(airline.time_zone)).astimezone(UTC),
    }
    await client.command("subscriptions", "/v1/subscriptions", start, key=f"subscription-{airline.carrier}")


async def play_months(
    client: Client,
    departures: Sequence[Departure],
    months: int,
    *,
    deliver: DeliveryOrder = in_order,
    on_progress: ProgressCallback = lambda count: None,
) -> DeliveryCounts:
    """Advance the clock from month end to month end and send the departures up to then.

    `deliver` may reorder and repeat them; `on_progress` is called with the size of each batch sent.
    """
    sent, counts = 0, DeliveryCounts()
    for closing in closing_times(months):
        await advance(client, closing)
        departed = bisect_left(departures, closing, key=lambda departure: departure.left_at)
        await _send(client, deliver(departures[sent:departed]), counts, on_progress)
        sent = departed
    await advance(client, closing_times(months)[-1] + GRACE)
    await advance(client, closing_times(months)[-1] + LAST_DUNNING)
    return counts


def closing_times(months: int) -> list[datetime]:
    """The instants up to which usage is sent: shortly after each month's end in each time zone."""
    zones = sorted({airline.time_zone for airline in AIRLINES})
    ends = {
        datetime(2013 + month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for month in range(1, months + 1)
        for zone in zones
    }
    return [end + LAST_DELIVERY_AFTER for end in sorted(ends)]


async def advance(client: Client, to: datetime) -> None:
    """Advance the tenant's test clock, and wait until it is there."""
    await client.command(
        "subscriptions", "/v1/test-clock/advance", {"to": to}, key=f"advance-{to.isoformat()}"
    )
    while (await client.get("subscriptions", "/v1/test-clock", wait_s="5"))["state"] != "ready":
        pass


async def _send(
    client: Client, departures: Sequence[Departure], counts: DeliveryCounts, on_progress: ProgressCallback
) -> None:
    slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def send(batch: Sequence[Departure]) -> None:
        async with slots:
            answer = await client.send_events([departure.event for departure in batch])
        counts.accepted += answer["accepted"]
        counts.duplicates += answer["duplicates"]
        counts.refused += answer["rejected"] + answer["conflicts"]
        on_progress(len(batch))

    async with asyncio.TaskGroup() as tasks:
        for start in range(0, len(departures), EVENTS_PER_REQUEST):
            tasks.create_task(send(departures[start : start + EVENTS_PER_REQUEST]))
