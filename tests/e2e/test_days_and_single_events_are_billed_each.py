"""Prices of days, hours and single events: from usage in any order to the invoice, with real processes."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY
from tollhouse.client import CallFailed, Client

PERCENTAGE = {
    "model": "percentage",
    "percent": "1.3",
    "fixed_fee": "2",
    "free_events": 3,
    "free_amount": "250",
}
PER_DAY = {"model": "bucketed", "bucket": "day", "price": {"model": "per_unit", "unit_price": "0.1"}}
TENS = {"model": "package", "package_size": "10", "package_price": "1"}
PER_HOUR = {"model": "bucketed", "bucket": "hour", "price": TENS}
METERS: tuple[dict[str, Any], ...] = (
    {"key": "volume", "aggregation": "sum", "value_path": "amount"},
    {"key": "peak", "aggregation": "max", "value_path": "seats"},
    {"key": "cards", "aggregation": "unique_count", "value_path": "card"},
)
PLAN: dict[str, Any] = {
    "key": "acquiring",
    "name": "Acquiring",
    "currency": "EUR",
    "interval": "P1M",
    "charges": [
        {"key": "share", "name": "Share", "meter_key": "volume", "price": PERCENTAGE},
        {"key": "seats", "name": "Seats", "meter_key": "peak", "price": PER_DAY},
        {"key": "hours", "name": "Hours", "meter_key": "peak", "price": PER_HOUR},
    ],
}
PAID = [  # in the order of their times, which is not that in which they are sent; 18:15 is midnight
    ("2026-01-05T10:00:00Z", {"amount": "50", "seats": 3}),
    ("2026-01-05T10:00:01Z", {"amount": "100", "seats": 9}),
    ("2026-01-05T18:14:59.999999Z", {"amount": "250", "seats": 1}),
    ("2026-01-05T18:15:00Z", {"amount": "400", "seats": 10}),
]
LINES = "{ invoices { edges { node { lines { description amount { amount } } } } } }"


def events() -> list[bytes]:
    head = {"specversion": "1.0", "type": "payment", "source": "till", "subject": "acme"}
    return [
        json.dumps(head | {"id": f"p{number}", "time": time, "data": data}).encode()
        for number, (time, data) in enumerate(PAID)
    ]


async def test_days_and_single_events_are_billed_each(installation: Installation, client: Client) -> None:
    """Vectors V30 and V63, in days of Kathmandu; one event comes twice, and the first one comes last."""
    await client.command("subscriptions", "/v1/test-clock", {"now": JANUARY}, key="clock")
    for meter in METERS:
        await client.command("metering", "/v1/meters", {"event_type": "payment", **meter}, key=meter["key"])
    await installation.settled()
    await a_price_of_single_events_needs_numbers(client)
    await client.command("subscriptions", "/v1/plans", PLAN, key="plan")
    customer = {"external_id": "acme", "currency": "EUR", "time_zone": "Asia/Kathmandu"}
    customer_id = (await client.command("subscriptions", "/v1/customers", customer, key="customer"))[
        "customer_id"
    ]
    start = {"customer_id": customer_id, "plan_key": "acquiring"}
    await client.command("subscriptions", "/v1/subscriptions", start, key="start")
    await advance(client, datetime(2026, 1, 10, tzinfo=UTC))
    first, *later = events()
    await client.send_events([*reversed(later), later[0]])
    await client.send_events([first])
    await advance(client, datetime(2026, 2, 2, tzinfo=UTC))
    await installation.settled()
    [invoice] = (await client.graphql(LINES))["invoices"]["edges"]
    assert [(line["description"], line["amount"]["amount"]) for line in invoice["node"]["lines"]] == [
        ("Share", "11.15"),
        ("Seats", "1.90"),
        ("Hours", "2.00"),
    ]
    report = json.loads(await asyncio.to_thread(installation.tollhouse, "verify", "--json"))
    assert report["differences"] == []


async def advance(client: Client, to: datetime) -> None:
    await client.command("subscriptions", "/v1/test-clock/advance", {"to": to}, key=f"to-{to:%m%d}")


async def a_price_of_single_events_needs_numbers(client: Client) -> None:
    """Refused when it is published, at its field."""
    charge = {"key": "share", "name": "Share", "meter_key": "cards", "price": PERCENTAGE}
    with pytest.raises(CallFailed) as refused:
        await client.command("subscriptions", "/v1/plans", PLAN | {"charges": [charge]}, key="cards")
    problem = refused.value.problem
    assert problem["code"] == "meter-has-no-event-values"
    assert problem["errors"][0]["pointer"] == "/body/charges/0/price"
