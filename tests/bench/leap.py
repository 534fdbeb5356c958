"""How long a step of a test clock's advance takes, for a tenant with one customer and nothing else to do.

The clock advances by a year of a monthly plan. A step is from one instant at which something is due to the
next: closing a period, drafting its invoice, finalizing it, collecting it.
"""

import itertools
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced
from shared.framework.eventstore.pool import connect
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.roles import SCOPES
from tollhouse.supervisor import Stack

TENANT = "bench"
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)
PLAN = {
    "key": "flat",
    "name": "Flat",
    "currency": "EUR",
    "interval": "P1M",
    "charges": [{"key": "fee", "name": "Base fee", "price": {"model": "flat", "amount": "10.00"}}],
}
GOAL_S = 0.1


@dataclass(frozen=True, slots=True)
class Steps:
    """Seconds between the moves of the clock."""

    seconds: Sequence[float]

    def __str__(self) -> str:
        """One line for people."""
        middle, worst = statistics.median(self.seconds) * 1000, max(self.seconds) * 1000
        return (
            f"a step of a test clock's advance, {len(self.seconds)} in a year of one customer: median"
            f" {middle:.0f} ms, worst {worst:.0f} ms (goal {GOAL_S * 1000:.0f} ms)"
        )


async def run() -> Steps:
    """Advance the clock on real processes."""
    with tempfile.TemporaryDirectory(prefix="tollhouse-leap-") as folder:
        async with Stack.start(Path(folder)) as stack:
            scopes = SCOPES["billing_admin"]
            token = stack.credentials.token(tenant=TENANT, role="billing_admin", scopes=scopes)
            async with Client(dict(stack.urls), token) as client:
                await _open_business(client)
                await advance(client, END)
            return Steps([later - sooner for sooner, later in itertools.pairwise(await _moves(stack))])


async def _open_business(client: Client) -> None:
    await client.command("subscriptions", "/v1/test-clock", {"now": START.isoformat()}, key="clock")
    await client.command("subscriptions", "/v1/plans", PLAN, key="plan")
    customer = {"external_id": "acme", "currency": "EUR", "time_zone": "UTC"}
    made = await client.command("subscriptions", "/v1/customers", customer, key="customer")
    owner = {"customer_id": made["customer_id"]}
    card = {**owner, "gateway": "sandbox", "token": "tok_ok"}
    await client.command("payments", "/v1/payment-methods", card, key="card")
    await client.command("subscriptions", "/v1/subscriptions", {**owner, "plan_key": "flat"}, key="start")


async def _moves(stack: Stack) -> list[float]:
    """When each move of the clock was written, in seconds."""
    pool = await connect(stack.dsn("subscriptions"))
    found = await pool.fetch(
        "SELECT extract(epoch FROM recorded_at)::float8 AS at FROM events"
        " WHERE tenant_id = $1 AND topic = $2 ORDER BY notification_id",
        TENANT,
        TestClockAdvanced.wire_name,
    )
    await pool.close()
    return [row["at"] for row in found]
