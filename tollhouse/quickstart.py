"""A first invoice through the public API, as docs/guides/first-invoice.md makes it with curl."""

from collections.abc import Callable
from typing import Any

import msgspec

from tollhouse.client import Client
from tollhouse.invoice_table import read_first_invoice
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervisor import Stack

METER = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
TIERS = [{"up_to": "2", "unit_price": "0"}, {"up_to": None, "unit_price": "0.50"}]
CHARGES = [
    {"key": "fee", "name": "Base fee", "price": {"model": "flat", "amount": "10.00"}},
    {"key": "calls", "name": "Calls", "meter_key": "calls", "price": {"model": "graduated", "tiers": TIERS}},
]
PLAN = {"key": "standard", "name": "Standard", "currency": "EUR", "interval": "P1M", "charges": CHARGES}
TAX = {"name": "VAT", "rate": "0.19", "source": "the tax office"}
CUSTOMER = {"external_id": "acme", "currency": "EUR", "time_zone": "Europe/Berlin"}
CALL = {"specversion": "1.0", "source": "quickstart", "type": "api.call", "subject": "acme"}
ADVANCE = "/v1/test-clock/advance"
SANDBOX_CARD = "tok_ok"


async def first_invoice(stack: Stack, show: Callable[[str], None]) -> dict[str, Any]:
    """Bill a new tenant's customer for January 2026. `show` is called with a line about each step."""
    token = stack.credentials.token(tenant="quickstart", role="billing_admin")
    async with Client(dict(stack.urls), token) as api:
        show("1. A test clock: this tenant's time is 1 January 2026, and stands still until it is moved.")
        await api.command("subscriptions", "/v1/test-clock", {"now": "2026-01-01T00:00:00Z"}, key="clock")
        show("2. A meter counts calls; a plan costs 10.00 EUR a month and 0.50 a call after two; 19 % VAT.")
        await api.command("metering", "/v1/meters", METER, key="meter")
        await api.command("subscriptions", "/v1/plans", PLAN, key="plan")
        await api.command("invoicing", "/v1/tax-rate", TAX, method="PUT")
        show("3. A customer in Berlin subscribes, and leaves a card.")
        customer = await api.command("subscriptions", "/v1/customers", CUSTOMER, key="customer")
        acme = {"customer_id": customer["customer_id"]}
        await api.command("subscriptions", "/v1/subscriptions", acme | {"plan_key": "standard"}, key="start")
        card = acme | {"gateway": "sandbox", "token": SANDBOX_CARD}
        await api.command("payments", "/v1/payment-methods", card, key="card")
        show("4. The clock moves to 31 January. Five events come in, one of them twice: four calls.")
        await api.command("subscriptions", ADVANCE, {"to": "2026-01-31T12:00:00Z"}, key="jan")
        calls = [CALL | {"id": f"call-{n}", "time": f"2026-01-0{n}T10:00:00Z"} for n in (1, 2, 3, 4, 4)]
        await api.send_events([msgspec.json.encode(call) for call in calls])
        show("5. The clock moves into February. The month is closed, billed, and the card is charged.")
        await api.command("subscriptions", ADVANCE, {"to": "2026-02-01T02:00:00Z"}, key="feb")
        await wait_until_quiescent(stack.urls, stack.credentials.service_token_file.read_text())
        return await read_first_invoice(api, customer["customer_id"])
