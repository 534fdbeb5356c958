"""One run of the demo: plays the months, then reads the results."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.billing.contracts import TOPICS
from tollhouse.client import Client
from tollhouse.demo.flights import Departure, departures
from tollhouse.demo.playback import (
    DeliveryCounts,
    ProgressCallback,
    closing_times,
    play_months,
    set_up_tenant,
)
from tollhouse.demo.scenario import AIRLINES, TENANT
from tollhouse.invoice_table import FIRST_INVOICE, read_first_invoice
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.supervisor import Stack

# Every airline of the demo, with what it was billed, has paid and owes.
BALANCES = """
query Balances { customers(first: 100) { edges { node { id externalId
  balance { billed { minor currency } paid { minor } owed { minor } } } } } }
"""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The results of a run: times in seconds, money as the read side returns it."""

    delivered: DeliveryCounts
    usage_seconds: float
    total_seconds: float
    events: dict[str, int]
    balances: list[dict[str, Any]]
    invoice_query: str
    invoice: dict[str, Any]


def client_of(stack: Stack, tenant: str = TENANT) -> Client:
    """A client with a tenant's role billing_admin."""
    return Client(dict(stack.urls), stack.credentials.token(tenant=tenant, role="billing_admin"))


def departures_of(months: int) -> list[Departure]:
    """The departures that a demo of this many months sends."""
    last = closing_times(months)[-1]
    return [departure for departure in departures() if departure.left_at < last]


async def run_demo(
    stack: Stack,
    months: int,
    flights: Sequence[Departure],
    on_progress: ProgressCallback,
    stage: Callable[[str], None],
) -> DemoResult:
    """Play the months, wait until everything is processed, and read the results.

    `stage` is called with the name of each part.
    """
    began = time.monotonic()
    async with client_of(stack) as client:
        stage("setting up the tenant")
        await set_up_tenant(client)
        stage("sending usage and advancing the clock")
        sending = time.monotonic()
        delivered = await play_months(client, flights, months, on_progress=on_progress)
        usage_seconds = time.monotonic() - sending
        stage("waiting until everything is billed and collected")
        service_token = stack.credentials.service_token_file.read_text()
        await wait_until_quiescent(stack.urls, service_token, timeout_s=300)
        stage("reading the results")
        balances = await _balances(client)
        ids = {node["externalId"]: node["id"] for node in balances}
        return DemoResult(
            delivered=delivered,
            usage_seconds=usage_seconds,
            total_seconds=time.monotonic() - began,
            events={context: await _event_count(stack.dsn(context)) for context in TOPICS},
            balances=balances,
            invoice_query=FIRST_INVOICE.strip(),
            invoice=await read_first_invoice(client, ids[AIRLINES[0].carrier]),
        )


async def _event_count(dsn: str) -> int:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM events"))
    finally:
        await connection.close()


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a Relay connection."""
    return [edge["node"] for edge in connection["edges"]]


async def _balances(client: Client) -> list[dict[str, Any]]:
    answer = await client.graphql(BALANCES)
    return sorted(nodes(answer["customers"]), key=lambda node: str(node["externalId"]))
