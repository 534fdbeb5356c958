"""A coupon from its definition to the paid invoices, and what the customer may use: on real processes."""

from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.small_business import PLAN, open_business, use
from tests.e2e.test_usage_is_billed_once import advance, on
from tollhouse.client import CallFailed, Client

HALF = {"code": "HALF", "name": "Half price", "percent": "50", "periods": 2, "redemptions_max": 1}
ENTITLEMENTS = [
    {"key": "sso", "kind": "boolean"},
    {"key": "seats", "kind": "limit", "limit": "10"},
    {"key": "calls", "kind": "metered", "meter_key": "calls", "limit": "1000"},
]
SHOWN = """query($id: ID!) {
  customer(id: $id) {
    entitlements { key kind limit meterKey }
    subscriptions(first: 10) { edges { node { coupons { code removedAt } } } }
    invoices(first: 10) { edges { node {
      status subtotal { amount } discounts { name percent amount { amount } } tax { amount } total { amount }
      lines { chargeKey amount { amount } discounts { amount { amount } } } } } } }
  coupons(code: "HALF") { edges { node {
    redemptions { edges { node { number customer { externalId } } } } } } }
}"""


def nodes(connection: dict[str, Any]) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


async def test_two_months_are_billed_at_half_price(client: Client, installation: Installation) -> None:
    """10.00 and 0.015 for each of 1000 calls: 25.00 less 12.50, and 19% of 12.50; the third month in full."""
    customer_id = await open_business(client)
    answer = await client.graphql("{ subscriptions { edges { node { id } } } }")
    [subscription] = nodes(answer["subscriptions"])
    path = f"/v1/subscriptions/{subscription['id']}/coupons"
    await client.command("subscriptions", "/v1/coupons", HALF, key="coupon")
    await client.command("subscriptions", path, {"code": "HALF"}, key="redeem")
    await client.command("subscriptions", "/v1/plans", PLAN | {"entitlements": ENTITLEMENTS}, key="plan-2")
    other = {"customer_id": customer_id, "plan_key": "standard", "subject": "site-7"}
    with pytest.raises(CallFailed) as refused:
        await client.command("subscriptions", "/v1/subscriptions", other | {"coupon": "HALF"}, key="used-up")
    assert refused.value.problem["code"] == "coupon-used-up"
    await advance(client, on(1, 20))
    await use(client, 1000, on(1, 10))
    await advance(client, on(4, 2))
    await client.command("subscriptions", "/v1/subscriptions", other, key="second")
    await installation.settled()
    shown = await client.graphql(SHOWN, id=customer_id)
    january, february, march = nodes(shown["customer"]["invoices"])
    assert [_amounts(one) for one in (january, february, march)] == [
        ("paid", "25.00", ["12.50"], "2.38", "14.88"),
        ("paid", "10.00", ["5.00"], "0.95", "5.95"),
        ("paid", "10.00", [], "1.90", "11.90"),
    ]
    assert january["discounts"][0]["name"] == "Half price"
    parts = {one["chargeKey"]: one["discounts"][0]["amount"]["amount"] for one in january["lines"]}
    assert parts == {"fee": "5.00", "calls": "7.50"}
    assert [one["coupons"] for one in nodes(shown["customer"]["subscriptions"])] == [
        [{"code": "HALF", "removedAt": None}],
        [],
    ]
    [coupon] = nodes(shown["coupons"])
    assert nodes(coupon["redemptions"]) == [{"number": 1, "customer": {"externalId": "acme"}}]
    assert [(one["key"], one["limit"]) for one in shown["customer"]["entitlements"]] == [
        ("calls", "1000"),
        ("seats", "10"),
        ("sso", None),
    ]
    assert "verify: ok" in installation.tollhouse("verify")


def _amounts(invoice: dict[str, Any]) -> tuple[str, str, list[str], str, str]:
    subtotal, tax, total = (invoice[name]["amount"] for name in ("subtotal", "tax", "total"))
    return invoice["status"], subtotal, [one["amount"]["amount"] for one in invoice["discounts"]], tax, total
