"""`asOf` answers what was true at an instant: the same as was served then."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.conftest import Installation
from tests.e2e.small_business import JANUARY, open_business, use
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.demo.run import nodes

_INVOICE = """
id status number customerId currency period { start end } subtotal { minor } tax { minor } total { minor }
amountDue { minor } paymentId draftedAt finalizedAt paidAt voidedAt
lines { description quantity amount { minor } }
"""
_BALANCE = "billed { minor currency } paid { minor } refunded { minor } owed { minor }"

NOW = f"""query($c: ID!) {{ customer(id: $c) {{
  balance {{ {_BALANCE} }} invoices {{ edges {{ node {{ {_INVOICE} }} }} }} }} }}"""
BALANCE_THEN = f"query($c: ID!, $t: DateTime) {{ customer(id: $c) {{ balance(asOf: $t) {{ {_BALANCE} }} }} }}"
INVOICE_THEN = f"query($i: ID!, $t: DateTime) {{ invoice(id: $i, asOf: $t) {{ {_INVOICE} }} }}"


async def test_invoice_and_balance_as_of_any_instant_are_what_was_served_then(
    installation: Installation, client: Client
) -> None:
    """A declined card, two retries, a payment, a second month: each answer is kept, then asked again."""
    customer_id = await open_business(client, token="tok_soft-soft-ok")
    await advance(client, datetime(2026, 2, 1, 0, 10, tzinfo=UTC))
    await use(client, 1000, JANUARY + timedelta(days=9))
    served: list[tuple[datetime, dict[str, Any]]] = []
    for moment in (
        datetime(2026, 2, 1, 0, 30, tzinfo=UTC),  # the period is over, its reading waits for late usage
        datetime(2026, 2, 1, 1, 30, tzinfo=UTC),  # billed, declined
        datetime(2026, 2, 5, tzinfo=UTC),  # tried again after 3 days, declined again
        datetime(2026, 2, 20, tzinfo=UTC),  # recovered
        datetime(2026, 3, 15, tzinfo=UTC),  # a second month
    ):
        await advance(client, moment)
        await installation.settled()
        served.append((moment, (await client.graphql(NOW, c=customer_id))["customer"]))
    assert [len(then["invoices"]["edges"]) for _, then in served] == [1, 1, 1, 1, 2]
    assert [nodes(then["invoices"])[0]["status"] for _, then in served] == [
        "draft", "finalized", "finalized", "paid", "paid",
    ]  # fmt: skip
    assert [then["balance"]["owed"]["minor"] for _, then in served] == [0, 2975, 2975, 0, 0]
    for moment, then in served:
        again = await client.graphql(BALANCE_THEN, c=customer_id, t=moment.isoformat())
        assert again["customer"]["balance"] == then["balance"]
        for invoice in nodes(then["invoices"]):
            asked = await client.graphql(INVOICE_THEN, i=invoice["id"], t=moment.isoformat())
            assert asked["invoice"] == invoice
    before = await client.graphql(
        INVOICE_THEN, i=nodes(served[0][1]["invoices"])[0]["id"], t=JANUARY.isoformat()
    )
    assert before["invoice"] is None
