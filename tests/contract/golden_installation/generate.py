"""Makes the saved installation: `python -m tests.contract.golden_installation.generate`.

It was run once, at the commit that README.md names; no test runs it. What it writes replaces `saved/`.
"""

import asyncio
import json
import lzma
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.contract.golden_installation import questions
from tests.contract.golden_installation.business import (
    HARBOR,
    HARBOR_PLANS,
    JANUARY,
    LATE_METER,
    METERS,
    SAVED_AT,
    Tenant,
    Who,
    flat,
    month_of_acme,
    per_unit,
    plan,
    send_faulty_usage,
)
from tests.contract.golden_installation.saved_files import (
    ANSWERS,
    DATABASES,
    SAVED,
    TOPICS_FILE,
    postgres_tool,
)
from tollhouse.client import Client
from tollhouse.embedded import LocalServers, local_servers
from tollhouse.quiescence import wait_until_quiescent
from tollhouse.roles import SCOPES
from tollhouse.servers.topics import ALL_TOPICS, PARTITIONS
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

# What makes one consumer fail on a message of `mill`: table, and the condition on the row that it writes.
BREAKDOWNS = {
    "ingest": ("tenant_clocks", "NEW.tenant_id = 'mill'"),
    "metering": ("timers", "NEW.tenant_id = 'mill'"),
    "invoicing": ("events", "NEW.tenant_id = 'mill' AND NEW.topic LIKE 'invoicing.billing%'"),
    "payments": ("events", "NEW.tenant_id = 'mill'"),
    "projections": ("history", "NEW.wire_name = 'subscriptions.customer.registered.v1'"),
}
# Stops a meter's way through the past after its first page, as a server that is away would.
STUCK = "TG_OP = 'UPDATE' AND NEW.consumer LIKE '%.backfill.%'"


@dataclass(frozen=True, slots=True)
class Site:
    """The servers, and the folder of the services that run on them."""

    servers: LocalServers
    folder: Path

    @asynccontextmanager
    async def up(self, *names: str) -> AsyncIterator[Stack]:
        """These services, or all."""
        services = [service for service in SERVICES if not names or service.name in names]
        async with Stack.start(self.folder, services=services) as stack:
            yield stack

    @asynccontextmanager
    async def superuser(self, database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Every right on one database."""
        url = urlsplit(self.servers.postgres_url)._replace(path=f"/tollhouse_{database}").geturl()
        connection = await asyncpg.connect(url, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    async def break_down(self, database: str, table: str, condition: str, code: str) -> None:
        """Refuse such rows with this SQLSTATE."""
        async with self.superuser(database) as connection:
            await connection.execute(
                "CREATE FUNCTION break_down() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF {condition} THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END IF;"
                " RETURN NEW; END $$;"
                f"CREATE TRIGGER break_down BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION break_down()"
            )

    async def repair(self, database: str) -> None:
        """Leave no trace of the breakdown."""
        async with self.superuser(database) as connection:
            await connection.execute("DROP FUNCTION break_down CASCADE")


def tenant_of(stack: Stack, name: str) -> Tenant:
    """Its administrator."""
    token = stack.credentials.token(tenant=name, role="billing_admin", scopes=SCOPES["billing_admin"])
    return Tenant(Client(dict(stack.urls), token))


async def at_rest(stack: Stack, tenant: Tenant) -> None:
    """Wait until nothing is left to do, so that the client has no position left to wait for."""
    await wait_until_quiescent(dict(stack.urls), stack.credentials.service_token_file.read_text())
    tenant.client.positions.clear()


async def open_harbor(harbor: Tenant) -> None:
    """Meters, plans, tax and customers."""
    await harbor.start_clock(JANUARY)
    await harbor.tax()
    for meter in METERS:
        await harbor.command("metering", "/v1/meters", meter, f"meter-{meter['key']}")
    for number, body in enumerate(HARBOR_PLANS):
        await harbor.command("subscriptions", "/v1/plans", body, f"plan-{number}")
    for name, who in HARBOR.items():
        if who.anchor_at == JANUARY:
            await harbor.welcome(name, who)


async def live_harbor(stack: Stack, harbor: Tenant) -> list[dict[str, Any]]:
    """Two months and ten days; what was served at some moments on the way."""
    await open_harbor(harbor)
    await harbor.advance(datetime(2026, 2, 1, 0, 10, tzinfo=UTC))
    await harbor.send(month_of_acme(harbor, JANUARY))
    await send_faulty_usage(harbor)
    served = []
    for moment in (
        datetime(2026, 2, 1, 0, 30, tzinfo=UTC),  # drafts wait for late usage
        datetime(2026, 2, 1, 2, tzinfo=UTC),  # billed; one card was declined
        datetime(2026, 2, 10, tzinfo=UTC),
    ):
        await harbor.advance(moment)
        await at_rest(stack, harbor)
        served.append(await snapshot(harbor, moment))
    await harbor.advance(datetime(2026, 2, 10, 0, 1, tzinfo=UTC))  # later than what was served just now
    for name in ("acme", "flux"):  # one was paid, so its money goes back; one was not
        await harbor.void(invoice_of(harbor, name, served[-1]), "wrong address")
    await harbor.cancel("crux", "period_end")
    await harbor.cancel("gale", "now")
    await harbor.advance(datetime(2026, 2, 19, tzinfo=UTC))
    await harbor.welcome("kiyo", HARBOR["kiyo"])
    await harbor.advance(datetime(2026, 3, 1, 0, 10, tzinfo=UTC))
    await harbor.send(month_of_acme(harbor, datetime(2026, 2, 1, tzinfo=UTC)))
    for number in range(60):
        at = datetime(2026, 2, 2, tzinfo=UTC) + timedelta(hours=number)
        region = ("eu", "us")[number % 2]
        await harbor.send([harbor.event("transfer", "bolt", at, region=region, gigabytes=0.5)])
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    await harbor.advance(moment)
    await at_rest(stack, harbor)
    served.append(await snapshot(harbor, moment))
    await in_hand(stack, harbor)
    return served


async def snapshot(tenant: Tenant, moment: datetime) -> dict[str, Any]:
    """Everything that the read side serves at a moment of the tenant's clock."""
    ids = await questions.ids_of(tenant.client)
    return {"as_of": moment.isoformat(), "served": await questions.answers(tenant.client, ids)}


def invoice_of(tenant: Tenant, name: str, told: dict[str, Any]) -> str:
    """The customer's only invoice in a snapshot."""
    invoices = told["served"]["invoice"].items()
    (only,) = [key for key, invoice in invoices if invoice["customerId"] == tenant.customers[name]]
    return str(only)


async def in_hand(stack: Stack, harbor: Tenant) -> None:
    """Things that are begun and not finished: each leaves a timer."""
    await harbor.advance(SAVED_AT)
    week = [harbor.event("api.call", "kiyo", datetime(2026, 3, 6, tzinfo=UTC), region="jp") for _ in range(9)]
    await harbor.send(week)
    await harbor.bill("acme", "setup", "12.50")
    await harbor.draft("acme", "left-as-draft", "7.00")
    await harbor.card("bolt", "tok_soft-ok.second")
    await harbor.bill("bolt", "declined-once", "10.00")
    await harbor.card("crux", "tok_timeout_after.second")
    await harbor.bill("crux", "unknown", "20.00")
    await at_rest(stack, harbor)
    paid = await harbor.client.graphql(
        "{ invoices(first: 100, status: paid) { edges { node { id customerId finalizedAt } } } }"
    )
    of_echo = [
        edge["node"] for edge in paid["invoices"]["edges"]
        if edge["node"]["customerId"] == harbor.customers["echo"]
    ]  # fmt: skip
    newest = max(of_echo, key=lambda invoice: str(invoice["finalizedAt"]))
    harbor.invoices["refunding"] = newest["id"]
    await harbor.void(newest["id"], "billed by mistake")
    await at_rest(stack, harbor)


async def live_mill(site: Site, stack: Stack, mill: Tenant) -> None:
    """A month, after which one message of each consumer cannot be handled."""
    await mill.start_clock(JANUARY)
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
    await mill.command("metering", "/v1/meters", meter, "meter")
    body = plan("standard", "EUR", "P1M", flat("fee", "10.00"), per_unit("calls", "0.015"))
    await mill.command("subscriptions", "/v1/plans", body, "plan")
    await mill.welcome("grain", Who("UTC", "standard", "tok_ok"))
    at = JANUARY + timedelta(hours=1)
    await mill.advance(JANUARY + timedelta(days=1))
    await mill.send([mill.event("api.call", "grain", at) for _ in range(10)])
    await mill.draft("grain", "parked", "4.00")
    await at_rest(stack, mill)
    for database, (table, condition) in BREAKDOWNS.items():
        await site.break_down(database, table, condition, "P0001")
    await mill.advance(datetime(2026, 2, 1, 0, 10, tzinfo=UTC))
    body = {"external_id": "chaff", "currency": "EUR", "time_zone": "UTC"}
    answer = await mill.command("subscriptions", "/v1/customers", body, "customer-chaff")
    mill.customers["chaff"] = answer["customer_id"]
    invoice_id = mill.invoices["parked"]
    await mill.command("invoicing", f"/v1/invoices/{invoice_id}/finalize", {}, "finalize-parked")
    await at_rest(stack, mill)
    for database in BREAKDOWNS:
        await site.repair(database)


async def live_river(stack: Stack, river: Tenant) -> list[dict[str, Any]]:
    """A tenant in real time: a subscription by the year, a paid invoice."""
    await river.tax()
    meter = {"key": "calls", "event_type": "api.call", "aggregation": "count"}
    await river.command("metering", "/v1/meters", meter, "meter")
    body = plan("yearly", "USD", "P1Y", flat("fee", "120.00"), per_unit("calls", "0.01"))
    await river.command("subscriptions", "/v1/plans", body, "plan")
    now = datetime.now(UTC).replace(microsecond=0)
    await river.welcome("ford", Who("America/Denver", "yearly", "tok_ok", "USD", now))
    await river.send([river.event("api.call", "ford", now) for _ in range(3)])
    await river.bill("ford", "boat", "30.00")
    await at_rest(stack, river)
    return [await snapshot(river, datetime.now(UTC))]


async def stick_a_backfill(site: Site, harbor: Tenant) -> None:
    """A new meter that stops after its first page of the past."""
    await site.break_down("metering", "inbox", STUCK, "40001")
    await harbor.command("metering", "/v1/meters", LATE_METER, "meter-late")
    reached = (
        "SELECT count(*) FROM inbox JOIN meters ON consumer = 'metering.backfill.' || meter_id"
        " WHERE position > 0 AND joined_from IS NULL"
    )
    async with site.superuser("metering") as metering, asyncio.timeout(60):
        while not await metering.fetchval(reached):
            await asyncio.sleep(0.1)


async def leave_unread(site: Site, token_holder: Tenant) -> dict[str, str]:
    """While only ingest and subscriptions run: what they publish is on the topics and read by none."""
    async with site.up("ingest", "subscriptions") as stack:
        harbor = tenant_of(stack, "harbor")
        harbor.numbers = token_holder.numbers
        at = datetime(2026, 3, 11, tzinfo=UTC)
        await harbor.send([harbor.event("api.call", "acme", at, region="eu") for _ in range(40)])
        body = {"external_id": "unread", "currency": "EUR", "time_zone": "UTC"}
        answer = await harbor.command("subscriptions", "/v1/customers", body, "customer-unread")
        await at_rest(stack, harbor)
        await relayed(site, "ingest", "subscriptions")
        token_holder.commands += harbor.commands
        return {"unread": answer["customer_id"]}


async def relayed(site: Site, *names: str) -> None:
    """Wait until the relay has sent all events."""
    for name in names:
        async with site.superuser(name) as connection, asyncio.timeout(60):
            while not await connection.fetchval(
                "SELECT (SELECT max(position) FROM relay_cursor) >= (SELECT max(notification_id) FROM events)"
            ):
                await asyncio.sleep(0.05)


async def dead_letters(stack: Stack) -> list[Any]:
    """Which messages are parked, by process."""
    token = stack.credentials.token(tenant="*", role="service", scopes=SCOPES["service"])
    headers = {"authorization": f"Bearer {token}"}
    found = []
    async with httpx2.AsyncClient(timeout=30.0, headers=headers) as http:
        for process, url in stack.urls.items():
            for letter in (await http.get(f"{url}/dead-letters")).raise_for_status().json():
                record = letter["record"]
                found.append([process, record["wire_name"], record["stream_id"], record["position"]])
    return found


def kept(tenant: Tenant, served: list[dict[str, Any]]) -> dict[str, Any]:
    """What the test must know of a tenant."""
    return {
        "customers": tenant.customers,
        "subscriptions": tenant.subscriptions,
        "invoices": tenant.invoices,
        "commands": tenant.commands,
        "served": served,
    }


async def live(site: Site) -> dict[str, Any]:
    """The whole story; all that was answered."""
    async with site.up() as stack:
        harbor, mill, river = (tenant_of(stack, name) for name in ("harbor", "mill", "river"))
        served = await live_harbor(stack, harbor)
        of_river = await live_river(stack, river)
        await live_mill(site, stack, mill)
        tenants = {"harbor": kept(harbor, served), "mill": kept(mill, []), "river": kept(river, of_river)}
        told = {
            "tenants": tenants,
            "counted": await questions.counted(harbor.client),
            "dead_letters": await dead_letters(stack),
        }
        await relayed(site, *(service.name for service in SERVICES if service.name != "projections"))
        await stick_a_backfill(site, harbor)
    await site.repair("metering")
    harbor.customers |= await leave_unread(site, harbor)
    return told


async def messages(bootstrap: str) -> list[tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]]:
    """Topic, partition, key, value and headers of everything that the broker holds, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    places = [TopicPartition(topic, number) for topic in ALL_TOPICS for number in range(PARTITIONS)]
    found: list[tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]] = []
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        wanted = sum((await consumer.end_offsets(places)).values())
        async with asyncio.timeout(60):
            while len(found) < wanted:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [(r.topic, r.partition, r.key, r.value, list(r.headers)) for r in records]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda message: message[:2])  # stable: the order within a partition stays


def dump(server_url: str, database: str) -> bytes:
    """Schema, rows, owners and grants of one database, as SQL."""
    url = urlsplit(server_url)._replace(path=f"/{database}").geturl()
    command = [postgres_tool("pg_dump"), "--create", "--restrict-key=golden", f"--dbname={url}"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


async def main() -> None:
    """Generate, then write `saved/`."""
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        async with local_servers(Path(folder) / "servers", fast=True) as servers:
            os.environ["TOLLHOUSE_POSTGRES_URL"] = servers.postgres_url
            os.environ["TOLLHOUSE_REDIS_URL"] = servers.redis_url
            os.environ["TOLLHOUSE_KAFKA_BOOTSTRAP"] = servers.kafka_bootstrap
            told = await live(Site(servers, Path(folder) / "house"))
            SAVED.mkdir(exist_ok=True)
            for database in DATABASES:
                sql = dump(servers.postgres_url, database)
                (SAVED / f"{database}.sql.xz").write_bytes(lzma.compress(sql, preset=9))
            topics = msgspec.msgpack.encode(await messages(servers.kafka_bootstrap))
            TOPICS_FILE.write_bytes(lzma.compress(topics, preset=9))
            ANSWERS.write_bytes(lzma.compress(json.dumps(told, indent=1).encode(), preset=9))


if __name__ == "__main__":
    asyncio.run(main())
