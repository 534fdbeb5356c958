"""A subscription with a trial, seats, an upgrade, a pause and an end, on real processes, to the cent."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tollhouse.client import CallFailed, Client

START = datetime(2026, 3, 1, tzinfo=UTC)
SEATS: dict[str, Any] = {
    "key": "seats",
    "name": "Seats",
    "price": {"model": "per_unit", "unit_price": "31.00"},
    "in_advance": True,
    "seats": True,
}
SETUP = {"key": "setup", "name": "Set-up", "price": {"model": "flat", "amount": "99.00"}, "one_off": True}
BASE = {"key": "base", "name": "Base", "price": {"model": "flat", "amount": "310.00"}, "in_advance": True}
SHOWN = """query($customer: ID!, $owner: String) {
  subscriptions(customerId: $owner, first: 5) { edges { node {
    status quantities planVersion trialEndsAt endsAt scheduledChanges { kind at }
    invoices(first: 20) { edges { node { total { amount } amountDue { amount } creditApplied { amount } status
      lines { description amount { amount } } } } }
  } } }
  balance(customerId: $customer, currency: "EUR") { billed { amount } paid { amount } credit { amount } }
}"""


def on(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


async def test_the_life_of_a_subscription_is_billed_to_the_cent(
    client: Client, installation: Installation
) -> None:
    """Each step is paid before the next one, so what is given back is on the same invoice."""

    async def send(path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        return await client.command("subscriptions", path, body, key=key)

    async def advance(to: datetime) -> None:
        await send("/v1/test-clock/advance", {"to": to}, f"to-{to:%m%d}")
        await installation.settled()

    await send("/v1/test-clock", {"now": START}, "clock")
    customer = {"external_id": "acme-1", "currency": "EUR", "time_zone": "UTC"}
    customer_id = (await send("/v1/customers", customer, "customer"))["customer_id"]
    method = {"customer_id": customer_id, "gateway": "sandbox", "token": "tok_ok"}
    await client.command("payments", "/v1/payment-methods", method, key="method")
    plan = {"key": "team", "name": "Team", "currency": "EUR", "interval": "P1M"}
    await send("/v1/plans", plan | {"charges": [SEATS, SETUP], "trial": "P10D"}, "plan")
    await send("/v1/plans", {**plan, "key": "firm", "charges": [BASE, SETUP]}, "firm")
    start = {"customer_id": customer_id, "plan_key": "team", "quantities": {"seats": "2"}}
    started = await send("/v1/subscriptions", start, "start")
    assert (started["status"], started["trial_ends_at"]) == ("trial", "2026-03-11T00:00:00Z")
    path = f"/v1/subscriptions/{started['subscription_id']}"

    await advance(on(3, 11))  # 2 seats and the set-up: 161.00
    await advance(on(3, 21))
    await send(f"{path}/change", {"quantities": {"seats": "3"}}, "seats")  # 21 of 31 days: -42.00, +63.00
    await installation.settled()
    with pytest.raises(CallFailed) as refused:
        await send(f"{path}/change", {"quantities": {"seats": "-1"}}, "negative")
    assert refused.value.problem["errors"][0]["pointer"] == "/body/quantities/seats"
    later = {"plan_key": "firm", "at": "period_end"}
    changed = await send(f"{path}/change", later, "firm-later")
    assert [one["at"] for one in changed["scheduled_changes"]] == ["2026-04-11T00:00:00Z"]
    with pytest.raises(CallFailed) as refused:
        await send(f"{path}/change", later, "firm-again")
    assert refused.value.problem["code"] == "changes-conflict"
    desks = await send(
        f"{path}/change", {"quantities": {"seats": "9"}, "at": "date", "effective_at": on(4, 1)}, "9"
    )
    change_id = desks["scheduled_changes"][0]["change_id"]
    await send(f"{path}/changes/{change_id}/withdraw", {}, "withdraw")
    await send(f"{path}/cancel", {"at": "period_end"}, "cancel-first")
    assert (await send(f"{path}/reactivate", {}, "reactivate"))["status"] == "active"
    await advance(on(4, 12))  # 310.00 in advance to 11 May; the set-up was billed
    await send(f"{path}/pause", {"at": "date", "effective_at": on(4, 26)}, "pause")
    await advance(on(5, 1))  # 15 of 30 days are given back: -155.00
    await send(f"{path}/resume", {}, "resume")  # 10 of 30 days: 103.33, paid by the credit
    await installation.settled()
    await send(f"{path}/cancel", {"at": "period_end"}, "cancel")
    await advance(on(6, 1))

    answer = await client.graphql(SHOWN, customer=customer_id, owner=customer_id)
    (shown,) = [edge["node"] for edge in answer["subscriptions"]["edges"]]
    assert (shown["status"], shown["quantities"], shown["endsAt"]) == (
        "ended",
        {"seats": "3"},
        "2026-05-11T00:00:00+00:00",
    )
    invoices = [edge["node"] for edge in shown["invoices"]["edges"]]
    found = [[(line["description"], line["amount"]["amount"]) for line in one["lines"]] for one in invoices]
    assert found == [
        [("Set-up", "99.00"), ("Seats", "62.00")],
        [("Seats, unused time", "-42.00"), ("Seats", "63.00")],
        [("Base", "310.00")],
        [("Base, unused time", "-155.00")],
        [("Base", "103.33")],
    ]
    assert [one["amountDue"]["amount"] for one in invoices] == ["161.00", "21.00", "310.00", "0.00", "0.00"]
    assert invoices[-1]["creditApplied"]["amount"] == "103.33"
    assert answer["balance"] == {
        "billed": {"amount": "492.00"},
        "paid": {"amount": "492.00"},
        "credit": {"amount": "51.67"},
    }
    report = json.loads(await asyncio.to_thread(installation.tollhouse, "verify", "--json"))
    assert report["differences"] == []
