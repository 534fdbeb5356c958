"""The questions that were asked of the installation when it was saved, and are asked again by the test."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tollhouse.client import Client

ENTITIES = {
    "customer": """externalId currency timeZone balance(asOf: $t) {
        billed { minor currency } paid { minor } refunded { minor } owed { minor } }""",
    "subscription": "customerId subject planVersion status anchorAt periodsClosed billedUntil endsAt endedAt",
    "invoice": """customerId status number currency period { start end } subtotal { minor } tax { minor }
        total { minor currency } amountDue { minor } voidReason draftedAt finalizedAt paidAt voidedAt
        lines { chargeKey description quantity amount { minor } steps { quantity unitPrice amount } }
        taxes { name rate amount { minor } }""",
    "payment": """invoiceId attempt status amount { minor currency } gateway declineCode hard
        requestedAt settledAt""",
}
"""Fields by the root field that takes an id and an instant."""

METERS = ("calls", "eu_calls", "gigabytes", "users")
HISTORY = {"from": "2026-01-01T00:00:00Z", "to": "2026-03-10T00:00:00Z"}
"""The stretch of usage that was complete when the installation was saved."""

Ids = dict[str, list[str]]
"""Ids by the name of their entity in ENTITIES."""


async def ids_of(client: Client) -> Ids:
    """The tenant's customers, subscriptions, invoices and payments."""
    found: Ids = {}
    for entity in ENTITIES:
        answer = await client.graphql(f"{{ {entity}s(first: 100) {{ edges {{ node {{ id }} }} }} }}")
        found[entity] = sorted(edge["node"]["id"] for edge in answer[f"{entity}s"]["edges"])
    return found


async def answers(client: Client, ids: Ids, as_of: str | None = None) -> dict[str, dict[str, Any]]:
    """Every entity by its id, as it was at `as_of` by the tenant's clock; None: as it is served now."""
    return {
        entity: dict(zip(known, await _ask(client, entity, known, as_of), strict=True))
        for entity, known in ids.items()
    }


async def _ask(client: Client, entity: str, ids: Sequence[str], as_of: str | None) -> list[Any]:
    query = f"query($i: ID!, $t: DateTime) {{ {entity}(id: $i, asOf: $t) {{ {ENTITIES[entity]} }} }}"
    places = asyncio.Semaphore(8)

    async def ask(one: str) -> Any:
        async with places:
            return (await client.graphql(query, i=one, t=as_of))[entity]

    return list(await asyncio.gather(*(ask(one) for one in ids)))


async def counted(client: Client) -> dict[str, Any]:
    """What metering and ingest answer over REST about the stretch HISTORY."""
    usage = {
        meter: (await client.get("metering", "/v1/usage", meter=meter, window="day", **HISTORY))["items"]
        for meter in METERS
    }
    regions = await client.get("metering", "/v1/usage", meter="calls", group_by="region", **HISTORY)
    details = [await client.get("metering", f"/v1/meters/{meter}") for meter in METERS]
    rejected = await client.get("ingest", "/v1/events/rejected", limit="100")
    return {"usage": usage, "calls_by_region": regions["items"], "meters": details, "rejected": rejected}
