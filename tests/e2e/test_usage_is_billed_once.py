"""Usage is billed by one subscription, and by a meter that is there: with real processes, to the cent."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, PLAN, open_business, use
from tollhouse.client import CallFailed, Client

INVOICES = "{ invoices(first: 100) { edges { node { subtotal { amount } period { start end } } } } }"


def on(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


async def advance(client: Client, to: datetime) -> None:
    await client.command("subscriptions", "/v1/test-clock/advance", {"to": to}, key=f"to-{to:%m%d%H}")


async def refusal(client: Client, path: str, body: Any, key: str) -> str:
    """The code with which a command of subscriptions is refused."""
    with pytest.raises(CallFailed) as refused:
        await client.command("subscriptions", path, body, key=key)
    return str(refused.value.problem["code"])


async def billed(client: Client) -> list[tuple[str, str, str]]:
    """Start, end and net amount of every invoice."""
    answer = await client.graphql(INVOICES)
    nodes = [edge["node"] for edge in answer["invoices"]["edges"]]
    rows = [(n["period"]["start"][:10], n["period"]["end"][:10], n["subtotal"]["amount"]) for n in nodes]
    return sorted(rows)


async def test_cancelled_and_subscribed_again_each_call_is_billed_once(
    client: Client, installation: Installation
) -> None:
    """100 calls on 10 March are billed by the first subscription, 200 on 20 March by the second."""
    customer_id = await open_business(client, now=on(3, 1))
    [first] = (await client.graphql("{ subscriptions { edges { node { id } } } }"))["subscriptions"]["edges"]
    start = {"customer_id": customer_id, "plan_key": "standard"}
    await advance(client, on(3, 15))
    await use(client, 100, on(3, 10))
    assert await refusal(client, "/v1/subscriptions", start, "twice") == "usage-is-billed-already"
    cancel = f"/v1/subscriptions/{first['node']['id']}/cancel"
    await client.command("subscriptions", cancel, {"at": "now"}, key="cancel")
    again = start | {"anchor_at": on(3, 1)}
    assert (
        await refusal(client, "/v1/subscriptions", again | {"starts_at": on(3, 1)}, "from-march")
        == "usage-is-billed-already"
    )
    await client.command("subscriptions", "/v1/subscriptions", again, key="again")
    await advance(client, on(3, 20))
    await use(client, 200, on(3, 20), prefix="later")
    await advance(client, on(4, 2))
    await installation.settled()
    # 10.00 for 14 and for 17 of 31 days, which end with the hour of summer time; 0.015 for each call.
    assert await billed(client) == [
        ("2026-03-01", "2026-03-15", "6.02"),
        ("2026-03-15", "2026-03-31", "8.48"),
    ]


async def test_the_usage_of_a_subscription_that_starts_in_the_past_may_be_sent_for_an_hour(
    client: Client, installation: Installation, new_tenant: Callable[[str], Client]
) -> None:
    """January is closed on 10 March, when the subscription is started; its usage is sent after that."""
    clock = {"now": on(3, 10)}
    await client.command("subscriptions", "/v1/test-clock", clock, key="clock")
    assert await refusal(client, "/v1/plans", PLAN, "no-meter") == "meter-unknown"
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
    await client.command("metering", "/v1/meters", meter, key="meter")
    await client.command("subscriptions", "/v1/plans", PLAN, key="plan")
    customer = {"external_id": "acme", "currency": "EUR", "time_zone": "UTC"}
    answer = await client.command("subscriptions", "/v1/customers", customer, key="customer")
    start = {"customer_id": answer["customer_id"], "plan_key": "standard", "starts_at": JANUARY}
    await client.command("subscriptions", "/v1/subscriptions", start, key="start")
    await installation.settled()
    await use(client, 100, on(1, 10))
    await advance(client, datetime(2026, 3, 10, 2, tzinfo=UTC))
    await installation.settled()
    assert await billed(client) == [
        ("2026-01-01", "2026-02-01", "11.50"),
        ("2026-02-01", "2026-03-01", "10.00"),
    ]
