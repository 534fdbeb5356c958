"""The load of a tenant whose invoices are collected and whose usage is counted, and what must hold of it."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.small_business import PLAN
from tollhouse.cli.verify import run_audit
from tollhouse.client import CallFailed, Client
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervisor import Stack

TENANT = "house"
METER = {"key": "calls", "event_type": "api.call", "aggregation": "count"}

_PAGE = """query($after: String) { invoices(first: 100, after: $after) {
  edges { node { id status } } pageInfo { hasNextPage endCursor } } }"""
_USAGE = '{"specversion":"1.0","type":"api.call","source":"test","subject":"acme","id":"%s"}'


@dataclass(slots=True)
class InvoicedHouse:
    """The load of one tenant through the public interface. Every command has a key: it can be sent again."""

    client: Client
    customer_id: str = ""
    invoices: dict[int, str] = field(default_factory=dict)
    """The id of each acknowledged invoice by its number here."""
    acknowledged_at: dict[str, float] = field(default_factory=dict)
    """When the finalization of an invoice was answered, on the monotonic clock."""
    numbers: int = 0
    calls: int = 0

    async def open(self) -> None:
        """Register a customer with a card, a plan, a subscription and a meter."""
        await self.client.command("metering", "/v1/meters", METER, key="meter")
        await self.client.command("subscriptions", "/v1/plans", PLAN, key="plan")
        customer = {"external_id": "acme", "currency": "EUR", "time_zone": "UTC"}
        answer = await self.client.command("subscriptions", "/v1/customers", customer, key="customer")
        self.customer_id = answer["customer_id"]
        card = {"customer_id": self.customer_id, "gateway": "sandbox", "token": "tok_ok"}
        await self.client.command("payments", "/v1/payment-methods", card, key="card")
        start = {"customer_id": self.customer_id, "plan_key": "standard"}
        await self.client.command("subscriptions", "/v1/subscriptions", start, key="start")

    async def send_invoices(self, count: int) -> list[str]:
        """Finalize one-off invoices and send a call for each; returns their ids."""
        numbers = range(self.numbers, self.numbers + count)
        self.numbers += count
        sent = await asyncio.gather(*map(self._invoice, numbers))
        await self.use(count)
        self.invoices.update(zip(numbers, sent, strict=True))
        return list(sent)

    async def use(self, count: int) -> None:
        """Send calls."""
        await self.use_again(self.calls, self.calls + count)
        self.calls += count

    async def use_again(self, first: int, end: int) -> dict[str, Any]:
        """Send calls by their numbers; ingest's answer."""
        return await self.client.send_events([(_USAGE % f"call-{n}").encode() for n in range(first, end)])

    async def send_invoice_again(self, number: int, invoice_id: str) -> str:
        """Repeat the commands of an invoice; its id, which is another one if its draft was lost."""
        try:
            invoice_id = await self._draft(number)
        except CallFailed as refused:
            if refused.problem.get("code") != "command-already-executed":
                raise
        await self.finalize(number, invoice_id)
        return invoice_id

    async def _invoice(self, number: int) -> str:
        invoice_id = await self._draft(number)
        await self.finalize(number, invoice_id)
        self.acknowledged_at[invoice_id] = time.monotonic()
        return invoice_id

    async def _draft(self, number: int) -> str:
        line = {"description": f"work {number}", "quantity": "1", "unit_price": "5.00"}
        body = {"customer_id": self.customer_id, "lines": [line]}
        drafted = await self.client.command("invoicing", "/v1/invoices", body, key=f"draft-{number}")
        invoice_id: str = drafted["invoice_id"]
        return invoice_id

    async def finalize(self, number: int, invoice_id: str | None = None) -> None:
        """Finalize the invoice of this number, or send that command again."""
        path = f"/v1/invoices/{invoice_id or self.invoices[number]}/finalize"
        await self.client.command("invoicing", path, {}, key=f"finalize-{number}")

    async def shown(self) -> dict[str, str]:
        """The status of every invoice that the read side shows."""
        found: dict[str, str] = {}
        after, more = None, True
        while more:
            page: dict[str, Any] = (await self.client.graphql(_PAGE, after=after))["invoices"]
            found |= {edge["node"]["id"]: edge["node"]["status"] for edge in page["edges"]}
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        return found


def house_of(stack: Stack, before: InvoicedHouse | None = None) -> InvoicedHouse:
    """The house on a running installation; positions of an earlier run are not waited for."""
    token = stack.credentials.token(tenant=TENANT, role="billing_admin")
    client = Client(dict(stack.urls), token)
    if before is None:
        return InvoicedHouse(client)
    return replace(before, client=client, invoices=dict(before.invoices))


async def settled(stack: Stack, timeout_s: float = 60.0) -> None:
    """Wait until every process has processed everything."""
    token = stack.credentials.service_token_file.read_text()
    await wait_until_quiescent(stack.urls, token, timeout_s=timeout_s)


async def differences(stack: Stack) -> list[str]:
    """What `tollhouse verify` finds."""
    return [str(one) for one in (await run_audit(stack.addresses(), stack.credentials)).differences]
