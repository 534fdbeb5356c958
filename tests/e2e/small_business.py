"""A small tenant for stories: one meter, one plan, one customer with a card, under a test clock."""

from datetime import UTC, datetime
from typing import Any

from tollhouse.client import Client

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)

PLAN: dict[str, Any] = {
    "key": "standard",
    "name": "Standard",
    "currency": "EUR",
    "interval": "P1M",
    "charges": [
        {"key": "fee", "name": "Base fee", "price": {"model": "flat", "amount": "10.00"}},
        {
            "key": "calls",
            "name": "Calls",
            "meter_key": "calls",
            "price": {"model": "per_unit", "unit_price": "0.015"},
        },
    ],
}


async def open_business(
    client: Client, token: str = "tok_ok", now: datetime = JANUARY, *, taxed: bool = True
) -> str:
    """Set it up. Returns the customer's id."""
    await client.command("subscriptions", "/v1/test-clock", {"now": now}, key="clock")
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
    await client.command("metering", "/v1/meters", meter, key="meter")
    await client.command("subscriptions", "/v1/plans", PLAN, key="plan")
    tax = {"name": "VAT", "rate": "0.19", "source": "test"}
    if taxed:
        await client.command("invoicing", "/v1/tax-rate", tax, method="PUT")
    customer = {"external_id": "acme", "currency": "EUR", "time_zone": "Europe/Berlin"}
    answer = await client.command("subscriptions", "/v1/customers", customer, key="customer")
    customer_id: str = answer["customer_id"]
    card = {"customer_id": customer_id, "gateway": "sandbox", "token": token}
    await client.command("payments", "/v1/payment-methods", card, key="card")
    start = {"customer_id": customer_id, "plan_key": "standard"}
    await client.command("subscriptions", "/v1/subscriptions", start, key="start")
    return customer_id


async def use(client: Client, calls: int, at: datetime, prefix: str = "c") -> dict[str, Any]:
    """Send a number of calls at one instant. Returns ingest's answer."""
    event = b'{"specversion":"1.0","type":"api.call","source":"test","subject":"acme","time":"%s","id":"%s"}'
    when = at.isoformat().encode()
    return await client.send_events([event % (when, f"{prefix}{n}".encode()) for n in range(calls)])
