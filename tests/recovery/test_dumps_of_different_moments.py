"""Each database is dumped at another moment, under load; restored, they are one installation again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from tests.recovery.invoiced_house import InvoicedHouse, differences, house_of, settled
from tollhouse.client import CallFailed
from tollhouse.embedded import local_servers
from tollhouse.installation_state import InstallationState
from tollhouse.provision import Databases
from tollhouse.recovery.inspection import inspect_dsns
from tollhouse.recovery.postgres_tools import database_url, run_tool
from tollhouse.recovery.reconcile import ReconcileOptions, reconcile
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

FIRST = ("ingest", "subscriptions", "invoicing")
LAST = ("metering", "payments")
INVOICES = 10


@dataclass(frozen=True, slots=True)
class Dumped:
    """The folder of an installation, its dumps, and what its clients were told."""

    folder: Path
    dumps: Path
    house: InvoicedHouse


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dumped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dumped]:
    """The contexts that others follow are dumped first, the read side in the middle, the followers last."""
    folder, dumps = tmp_path_factory.mktemp("house") / "state", tmp_path_factory.mktemp("dumps")
    async with Stack.start(folder, fast=True) as stack:
        house = house_of(stack)
        await house.open()
        await house.send_invoices(INVOICES)
        await settled(stack)
        for name in FIRST:
            await dump(stack.servers.postgres_url, name, dumps / name)
        await house.send_invoices(INVOICES)
        await settled(stack)
        await dump(stack.servers.postgres_url, "projections", dumps / "projections")
        await house.send_invoices(INVOICES)
        await settled(stack)
        for name in LAST:
            await dump(stack.servers.postgres_url, name, dumps / name)
        await house.client.http.aclose()
    yield Dumped(folder, dumps, house)


async def dump(server_url: str, name: str, file: Path) -> None:
    """One database, as an operator would dump it."""
    url = database_url(server_url, f"tollhouse_{name}")
    await run_tool("pg_dump", url, "--format=custom", f"--file={file}")


async def restore(server_url: str, dumps: Path) -> None:
    """All databases from their dumps; the sandbox stands for a gateway, which is never restored."""
    admin = await asyncpg.connect(server_url)
    for name in (*FIRST, *LAST, "projections"):
        await admin.execute(f"DROP DATABASE tollhouse_{name} WITH (FORCE)")
        file = str(dumps / name)
        await run_tool("pg_restore", server_url, "--create", "--exit-on-error", "--dbname=postgres", file)
    await admin.close()


@pytest.mark.timeout(180)
async def test_every_later_invoice_is_collected_and_shown(dumped: Dumped) -> None:
    """What the read side has a copy of comes back; the rest is named as lost; all that comes later works."""
    async with local_servers(dumped.folder, fast=True) as servers:
        await restore(servers.postgres_url, dumped.dumps)
        databases = Databases(servers.postgres_url, InstallationState(dumped.folder).secret)
        report = await reconcile(databases, ReconcileOptions(services_have_run=False))
        owners = {service.name: databases.owner_dsn(service.name) for service in SERVICES}
        assert (await inspect_dsns(owners)).contradictions == []
    assert any("consumer payments stands at" in one for one in report.contradictions)
    finalized = [one for one in report.put_back if one.wire_name == InvoiceFinalized.wire_name]
    assert len(finalized) == INVOICES
    orphans = {one.effect.stream_id for one in report.orphaned if one.effect.stream_id.startswith("col_")}
    assert len(orphans) == INVOICES
    async with Stack.start(dumped.folder, fast=True) as stack:
        house = house_of(stack, dumped.house)
        again = await house.use_again(INVOICES, 2 * INVOICES)
        assert (again["accepted"], again["duplicates"]) == (0, INVOICES), "usage that came back counts once"
        with pytest.raises(CallFailed, match="command-already-executed"):
            await house.finalize(INVOICES)
        later = await house.send_invoices(INVOICES)
        await settled(stack)
        shown = await house.shown()
        kept = [*(dumped.house.invoices[number] for number in range(2 * INVOICES)), *later]
        assert shown == dict.fromkeys(kept, "paid")
        assert await differences(stack) == []
        await house.client.http.aclose()
