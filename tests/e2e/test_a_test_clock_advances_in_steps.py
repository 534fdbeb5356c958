"""An advance is played in the order of its instants, and what is commanded later comes later."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.small_business import PLAN, open_business, use
from tollhouse.client import CallFailed, Client
from tollhouse.demo.playback import advance

INVOICES = """{ invoices(first: 100) { pageInfo { hasNextPage } edges { node {
    number finalizedAt period { start } tax { minor } lines { chargeKey quantity } } } } }"""
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
ZONES = ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "America/Los_Angeles"]


async def start_advance(client: Client, to: datetime) -> dict[str, Any]:
    """Begin an advance. Returns the clock, as it is when all services know of it."""
    return await client.command("subscriptions", "/v1/test-clock/advance", {"to": to}, key="leap")


async def invoices(client: Client) -> list[dict[str, Any]]:
    """All invoices, by number."""
    answer = await client.graphql(INVOICES)
    return sorted((edge["node"] for edge in answer["invoices"]["edges"]), key=lambda one: str(one["number"]))


@pytest.mark.parametrize("delay_s", [0.0, 0.3, 1.0, 3.0])
async def test_what_comes_after_an_advance_changes_nothing_before(
    installation: Installation, client: Client, delay_s: float
) -> None:
    """Row 4 of issue 7: an event of the time before, and the tenant's first tax rate, whatever the delay."""
    rng = random.Random(delay_s)
    await open_business(client, taxed=False)
    await use(client, 3, datetime(2026, 1, 1, tzinfo=UTC))
    clock = await start_advance(client, datetime(2026, 3, 10, tzinfo=UTC))
    assert (clock["now"], clock["target"]) == ("2026-01-01T00:00:00Z", "2026-03-10T00:00:00Z")
    await asyncio.sleep(delay_s * rng.random())

    async def late_rate() -> None:
        await asyncio.sleep(delay_s * rng.random())
        tax = {"name": "VAT", "rate": "0.19", "source": "test"}
        await client.command("invoicing", "/v1/tax-rate", tax, method="PUT")

    _, late = await asyncio.gather(late_rate(), use(client, 1, datetime(2026, 1, 10, tzinfo=UTC), "late"))
    assert late["accepted"] == 1
    await installation.settled()
    clock = await client.get("subscriptions", "/v1/test-clock")
    assert clock == {
        "now": "2026-03-10T00:00:00Z",
        "target": "2026-03-10T00:00:00Z",
        "state": "ready",
        "waiting_for": [],
        "overdue": {},
    }
    january, february = await invoices(client)
    assert [int(one["tax"]["minor"]) for one in (january, february)] == [0, 0]
    assert {line["chargeKey"]: line["quantity"] for line in january["lines"]}["calls"] == "3"


async def test_numbers_and_dates_run_together_in_a_year(
    installation: Installation, new_tenant: Callable[[str], Client]
) -> None:
    """Row 5 of issue 7: five tenants advance side by side, and each has the same documents."""
    await asyncio.gather(*(a_year(new_tenant(f"year-{n}")) for n in range(5)))
    await installation.settled()
    years = []
    for number in range(5):
        async with new_tenant(f"year-{number}") as client:
            documents = await invoices(client)
            assert [one["number"] for one in documents] == [f"INV-{n:06}" for n in range(1, 45)]
            years.append([one["finalizedAt"] for one in documents])
    assert years[0] == sorted(years[0])
    assert years == [years[0]] * 5


async def a_year(client: Client) -> None:
    """A business with customers in four time zones advances by eleven months."""
    async with client:
        await open_business(client, now=START)
        for zone in ZONES:
            if zone == "Europe/Berlin":
                continue
            customer = {"external_id": zone.replace("/", "-"), "currency": "EUR", "time_zone": zone}
            made = await client.command("subscriptions", "/v1/customers", customer, key=zone)
            start = {"customer_id": made["customer_id"], "plan_key": PLAN["key"]}
            await client.command("subscriptions", "/v1/subscriptions", start, key=f"start-{zone}")
        await advance(client, START + timedelta(days=335))


async def test_a_customer_can_be_used_as_soon_as_it_is_created(client: Client) -> None:
    """A reference to another context is waited for; the problem of an unknown one says how to wait."""
    for number in range(20):
        body = {"external_id": f"c{number}", "currency": "EUR", "time_zone": "UTC"}
        made = await client.command("subscriptions", "/v1/customers", body, key=f"c{number}")
        client.positions.clear()
        card = {"customer_id": made["customer_id"], "gateway": "sandbox", "token": "tok_ok"}
        await client.command("payments", "/v1/payment-methods", card, key=f"card-{number}")
        lines = [{"description": "Setup", "quantity": "1", "unit_price": "10.00"}]
        bill = {"customer_id": made["customer_id"], "lines": lines}
        await client.command("invoicing", "/v1/invoices", bill, key=f"invoice-{number}")
        client.positions.clear()
    nobody = {"customer_id": "cus_nobody", "gateway": "sandbox", "token": "tok_ok"}
    with pytest.raises(CallFailed, match=r"customer-unknown: .* Tollhouse-Wait-For"):
        await client.command("payments", "/v1/payment-methods", nobody, key="nobody")
