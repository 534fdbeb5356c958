"""Consumers that begin again have no second effect: reconciliation relies on it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.metering.rollups.postgres import empty_rollups
from tests.e2e.small_business import open_business, use
from tests.recovery.invoiced_house import differences, settled
from tollhouse.client import Client
from tollhouse.demo.playback import advance
from tollhouse.embedded import local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases
from tollhouse.recovery import read_side
from tollhouse.recovery.inspection import owner_connections
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

INVOICES = "{ invoices(first: 100) { edges { node { id status } } } }"
TOTALS = "metering.usage.aggregated.v1"


@pytest.mark.timeout(180)
async def test_a_history_that_is_consumed_twice_has_one_effect(tmp_path: Path) -> None:
    """Paid, declined, given up, voided, refunded and cancelled: every consumer reads all of it again."""
    folder = tmp_path / "state"
    async with Stack.start(folder, fast=True) as stack:
        for tenant, card in (("paid", "tok_ok"), ("soft", "tok_soft-ok"), ("never", "tok_hard")):
            async with client_of(stack, tenant) as client:
                await live(client, card, lambda: settled(stack))
        await settled(stack)
    async with local_servers(folder, fast=True) as servers:
        databases = Databases(servers.postgres_url, InstallationState(folder).secret)
        before = await events(databases)
        await forget_consumption(databases)
    async with Stack.start(folder, fast=True) as stack:
        await settled(stack)
        assert await differences(stack) == []
        assert await dead_letters(stack.databases) == []
        assert await events(stack.databases) == before


def client_of(stack: Stack, tenant: str) -> Client:
    token = stack.credentials.token(tenant=tenant, role="billing_admin")
    return Client(dict(stack.urls), token)


async def live(client: Client, card: str, settle: Callable[[], Awaitable[None]]) -> None:
    """Three months of a customer; one invoice is voided after it was paid or given up, then it is over."""
    await open_business(client, card)
    await advance(client, datetime(2026, 1, 10, tzinfo=UTC))
    await use(client, 5, datetime(2026, 1, 10, tzinfo=UTC), "jan")
    await advance(client, datetime(2026, 2, 20, tzinfo=UTC))
    await use(client, 7, datetime(2026, 2, 20, tzinfo=UTC), "feb")
    await advance(client, datetime(2026, 3, 20, tzinfo=UTC))
    await settle()
    shown = (await client.graphql(INVOICES))["invoices"]["edges"]
    voided = shown[0]["node"]["id"]
    await client.command("invoicing", f"/v1/invoices/{voided}/void", {"reason": "test"}, key="void")
    subscription = (await client.graphql("{ subscriptions { edges { node { id } } } }"))["subscriptions"]
    path = f"/v1/subscriptions/{subscription['edges'][0]['node']['id']}/cancel"
    await client.command("subscriptions", path, {"at": "now"}, key="cancel")
    await advance(client, datetime(2026, 5, 20, tzinfo=UTC))


async def events(databases: Databases) -> Mapping[str, list[tuple[Any, ...]]]:
    """All events of each context but the published totals, of which the newest counts."""
    query = """SELECT originator_id, originator_version, topic FROM events WHERE topic <> $1
                ORDER BY notification_id"""
    async with owner_connections(owners(databases)) as connections:
        return {
            name: [tuple(row) for row in await connection.fetch(query, TOTALS)]
            for name, connection in connections.items()
        }


async def dead_letters(databases: Databases) -> list[tuple[Any, ...]]:
    async with owner_connections(owners(databases)) as connections:
        return [
            tuple(row)
            for connection in connections.values()
            for row in await connection.fetch("SELECT consumer, wire_name, stream_id, cause FROM parked")
        ]


def owners(databases: Databases) -> dict[str, str]:
    return {service.name: databases.owner_dsn(service.name) for service in SERVICES}


async def forget_consumption(databases: Databases) -> None:
    """Every consumer is at the beginning, as after a reconciliation with all contexts rewritten."""
    async with owner_connections(owners(databases)) as connections:
        await empty_rollups(connections["metering"])
        await read_side.reset(connections["projections"])
        for connection in connections.values():
            await connection.execute(
                "UPDATE inbox SET position = 0, broker_offset = NULL WHERE topic LIKE '%-events'"
            )
