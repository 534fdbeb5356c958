"""A contract over two subscriptions, on real processes: prepaid, drawn, overage and terminated."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, open_business, use
from tollhouse.client import CallFailed, Client

CONTRACT: dict[str, Any] = {
    "name": "Frame 2026",
    "kind": "prepaid",
    "interval": "P1M",
    "period_count": 3,
    "commitments": ["3.00", "5.00"],
    "overage": {"multiplier": "2"},
    "termination_fee": {"share": "0.5"},
}
SHOWN = """query($id: ID!, $contract: String) {
  contract(id: $id) {
    name kind status endsAt subscriptionIds overage { multiplier unitPrices } terminationFee { share }
    customer { externalId contracts { edges { node { id } } } }
    periods { commitment { amount } }
    commitments(status: closed) { edges { node { number } } }
  }
  commitments(contractId: $contract) { edges { node {
    number status awaited amount { amount } usage { amount } drawn { amount } overage { amount }
    expired { amount } termination_fee: terminationFee { amount } contract { name }
    invoices { edges { node { invoiceId drawn { amount } invoice { number } } } }
  } } }
  invoices(first: 100) { edges { node { id subtotal { amount } } } }
}"""


def on(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


async def advance(client: Client, to: datetime) -> None:
    await client.command("subscriptions", "/v1/test-clock/advance", {"to": to}, key=f"to-{to:%m%d}")


async def test_a_prepaid_contract_is_drawn_by_two_subscriptions_and_terminated(
    client: Client, installation: Installation
) -> None:
    """100 calls and 300 at 0.015 in January: 6.00, of which 3.00 are paid and 3.00 cost twice."""
    customer_id = await open_business(client, now=JANUARY, taxed=False)
    second = {"customer_id": customer_id, "plan_key": "standard", "subject": "acme-2"}
    await client.command("subscriptions", "/v1/subscriptions", second, key="second")
    body = {"customer_id": customer_id, **CONTRACT}
    contract = await client.command("subscriptions", "/v1/contracts", body, key="contract")
    path = f"/v1/contracts/{contract['contract_id']}"
    with pytest.raises(CallFailed) as refused:
        await client.command("subscriptions", "/v1/contracts", body, key="twice")
    assert refused.value.problem["code"] == "contract-overlaps"
    await use(client, 100, on(1, 1))
    event = (
        b'{"specversion":"1.0","type":"api.call","source":"test","subject":"acme-2","time":"%s","id":"%d"}'
    )
    await client.send_events([event % (on(1, 1).isoformat().encode(), n) for n in range(300)])
    await advance(client, on(2, 10))
    await client.command("subscriptions", f"{path}/terminate", {}, key="terminate")
    await advance(client, on(4, 10))
    await installation.settled()
    contract_id = contract["contract_id"]
    answer = await client.graphql(SHOWN, id=contract_id, contract=contract_id)
    shown = answer["contract"]
    assert {key: shown[key] for key in ("name", "kind", "status", "endsAt", "subscriptionIds")} == {
        "name": "Frame 2026",
        "kind": "prepaid",
        "status": "terminated",
        "endsAt": "2026-02-10T00:00:00+00:00",
        "subscriptionIds": None,
    }
    assert (shown["overage"]["multiplier"], shown["terminationFee"]["share"]) == ("2", "0.5")
    assert [one["commitment"]["amount"] for one in shown["periods"]] == ["3.00", "5.00", "5.00"]
    january, february = [edge["node"] for edge in answer["commitments"]["edges"]]
    amounts = ("amount", "usage", "drawn", "overage", "expired")
    assert {name: january[name]["amount"] for name in amounts} == {
        "amount": "3.00",
        "usage": "6.00",
        "drawn": "3.00",
        "overage": "3.00",
        "expired": "0.00",
    }
    # Two fees of 10.00 and calls of 6.00, less 3.00 that were paid, plus 3.00 of overage.
    counted = {edge["node"]["invoiceId"] for edge in january["invoices"]["edges"]}
    documents = [edge["node"] for edge in answer["invoices"]["edges"]]
    subtotals = [Decimal(one["subtotal"]["amount"]) for one in documents if one["id"] in counted]
    assert (len(subtotals), sum(subtotals)) == (2, 26)
    assert (january["status"], february["status"], january["awaited"]) == ("closed", "closed", 0)
    # Of February nothing is to come: it was paid. Half of March is the fee.
    assert (february["expired"]["amount"], february["termination_fee"]["amount"]) == ("5.00", "2.50")
    read = await client.get("subscriptions", path)
    assert (read["status"], read["ends_at"]) == ("terminated", "2026-02-10T00:00:00Z")
    report = json.loads(await asyncio.to_thread(installation.tollhouse, "verify", "--json"))
    assert report["differences"] == []
