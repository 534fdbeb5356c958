"""The restore drill (`make drill`): load, backup, more load, loss of the databases, restore, go on.

Twice: the read side's database survives, or is lost too. Prints what was lost and what came back, RPO and
RTO; exits with 1 unless everything that came later is billed, collected and verified.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from services.payments.gateways.sandbox.postgres import open_ledger
from shared.billing.contracts import TOPICS
from tests.e2e.small_business import open_business, use
from tests.recovery.invoiced_house import InvoicedHouse, differences, house_of, settled
from tollhouse.client import CallFailed, Client
from tollhouse.demo.playback import advance
from tollhouse.supervisor import Stack

RPO_MAX_S, RTO_MAX_S = 300.0, 1800.0
INVOICES = 20
TENANTS = ("old-1", "old-2", "old-3")
NEW_TENANT = "new-after-backup"
CALLS = 100
MONTHS = [datetime(2026, month, 2, tzinfo=UTC) for month in (2, 3, 4)]
USED_AT = [datetime(2026, month, 15, tzinfo=UTC) for month in (1, 2, 3)]
MONTH_MINOR = 1369
"""10.00 and 100 calls at 0.015, with 19 % tax: 11.50 + 2.19 (2.185)."""

_INVOICES = """{ invoices(first: 100) { edges { node { id status total { minor } } } } }"""


class DrillFailed(Exception):
    """The restored installation is not as it must be."""


@dataclass(slots=True)
class Outcome:
    """The numbers of one drill."""

    archive: str
    acknowledged: int = 0
    missing: int = 0
    rpo_s: float = 0.0
    rto_s: float = 0.0
    put_back: int = 0
    lost: int = 0
    orphaned: int = 0
    unknown_charges: int = 0


async def drill(folder: Path, *, archive_survives: bool) -> Outcome:
    """One drill in an empty folder. Raises DrillFailed."""
    outcome = Outcome("kept" if archive_survives else "lost")
    backups = folder / "backups"
    async with Stack.start(folder / "state") as stack:
        house = house_of(stack)
        await house.open()
        for tenant in TENANTS:
            async with client_of(stack, tenant) as client:
                await open_business(client)
        await a_month(stack, 0, TENANTS)
        await house.send_invoices(INVOICES)
        await settled(stack)
        backup = await tollhouse("backup", str(backups), "--json", "--folder", str(stack.folder))
        print(f"backup: {backup['events']:,} events, {backup['bytes']:,} bytes")
        await more_load(stack, house)
        lost_at = await lose_under_load(stack, house, outcome, archive_survives=archive_survives)
    report = await tollhouse("restore", str(backups), "--json", "--folder", str(folder / "state"))
    outcome.put_back, outcome.lost = len(report["put_back"]), len(report["lost"])
    outcome.orphaned = len(report["orphaned"])
    async with Stack.start(folder / "state") as stack:
        outcome.rto_s = time.monotonic() - lost_at
        house = house_of(stack, house)
        await settled(stack)
        await note_loss(house, outcome, lost_at)
        await send_again(stack, house)
        await go_on(stack, house)
        await check(stack, house, outcome)
    return outcome


async def more_load(stack: Stack, house: InvoicedHouse) -> None:
    """After the backup: a new tenant, another month of the old ones, more invoices."""
    await a_month(stack, 1, TENANTS)
    await new_tenant(stack)
    await house.send_invoices(INVOICES)


async def a_month(stack: Stack, month: int, tenants: tuple[str, ...]) -> None:
    """Usage of a month, and its end; sent again it changes nothing."""
    for tenant in tenants:
        async with client_of(stack, tenant) as client:
            with allowed_again():
                await advance(client, USED_AT[month])
            await use(client, CALLS, USED_AT[month], f"month-{month}-")
            with allowed_again():
                await advance(client, MONTHS[month])


async def new_tenant(stack: Stack) -> None:
    """A tenant that no backup has, with its first two months."""
    async with client_of(stack, NEW_TENANT) as client:
        if not (await client.graphql("{ customers { edges { node { id } } } }"))["customers"]["edges"]:
            await open_business(client)
    await a_month(stack, 0, (NEW_TENANT,))
    await a_month(stack, 1, (NEW_TENANT,))


async def lose_under_load(
    stack: Stack, house: InvoicedHouse, outcome: Outcome, *, archive_survives: bool
) -> float:
    """Send invoices without a pause until the databases are gone; returns when that was (monotonic)."""
    lost = [*TOPICS, *([] if archive_survives else ["projections"])]
    enough = len(house.invoices) + INVOICES
    async with invoices_without_end(house):
        while len(house.invoices) < enough:
            await asyncio.sleep(0.05)
        admin = await asyncpg.connect(stack.servers.postgres_url)
        lost_at = time.monotonic()
        for name in lost:
            await admin.execute(f"DROP DATABASE tollhouse_{name} WITH (FORCE)")
        await admin.close()
    print(f"lost: the databases of {', '.join(lost)}")
    outcome.acknowledged = len(house.invoices)
    return lost_at


@asynccontextmanager
async def invoices_without_end(house: InvoicedHouse) -> AsyncIterator[None]:
    """Finalize one invoice after the other for the length of the block; only answered ones count."""

    async def send() -> None:
        while True:
            await house.send_invoices(1)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, CallFailed):
            await sending


async def note_loss(house: InvoicedHouse, outcome: Outcome, lost_at: float) -> None:
    """Count the acknowledged invoices that are missing; the recovery point is the first of them."""
    shown = await house.shown()
    missing = [invoice for invoice in house.invoices.values() if invoice not in shown]
    outcome.missing = len(missing)
    first = min((house.acknowledged_at[invoice] for invoice in missing), default=lost_at)
    outcome.rpo_s = max(0.0, lost_at - first)


async def send_again(stack: Stack, house: InvoicedHouse) -> None:
    """Clients send everything since the backup again, under the same keys."""
    await a_month(stack, 1, TENANTS)
    await new_tenant(stack)
    shown = await house.shown()
    for number, invoice_id in house.invoices.items():
        if shown.get(invoice_id) not in {"finalized", "paid"}:
            house.invoices[number] = await house.send_invoice_again(number, invoice_id)
    await house.use_again(0, house.calls)


async def go_on(stack: Stack, house: InvoicedHouse) -> None:
    """New invoices, and the next month of every tenant."""
    await house.send_invoices(INVOICES)
    await a_month(stack, 2, (*TENANTS, NEW_TENANT))
    await settled(stack)
    await tollhouse("dlq", "replay", "--json", "--folder", str(stack.folder), expect=(0, 1))
    await settled(stack)


async def check(stack: Stack, house: InvoicedHouse, outcome: Outcome) -> None:
    """Everything is billed once, collected and verified. Raises DrillFailed."""
    shown = await house.shown()
    expect(
        {}, {one: shown.get(one) for one in house.invoices.values() if shown.get(one) != "paid"}, "not paid"
    )
    expect({}, {one: status for one, status in shown.items() if status == "finalized"}, "open invoices")
    for tenant in (*TENANTS, NEW_TENANT):
        async with client_of(stack, tenant) as client:
            edges = (await client.graphql(_INVOICES))["invoices"]["edges"]
            found = [(one["node"]["status"], int(one["node"]["total"]["minor"])) for one in edges]
            expect([("paid", MONTH_MINOR)] * 3, found, f"invoices of {tenant}")
    expect([], await differences(stack), "differences")
    outcome.unknown_charges = await unknown_charges(stack)
    expect(True, outcome.rpo_s <= RPO_MAX_S, f"recovery point of {outcome.rpo_s:.1f} s is near enough")
    expect(True, outcome.rto_s <= RTO_MAX_S, f"recovery time of {outcome.rto_s:.1f} s is short enough")


def expect(expected: object, found: object, what: str) -> None:
    """Raise DrillFailed if they differ."""
    if found != expected:
        raise DrillFailed(f"{what}: {found}, not {expected}")


async def unknown_charges(stack: Stack) -> int:
    """The charges of the gateway, which nobody restores, of which payments knows nothing any more."""
    connection = await asyncpg.connect(stack.databases.owner_dsn("payments"))
    rows = await connection.fetch(
        "SELECT convert_from(state, 'UTF8')::jsonb ->> 'gateway_key' FROM events"
        " WHERE topic = 'payments.payment.requested.v1'"
    )
    await connection.close()
    async with open_ledger(stack.databases.sandbox_dsn()) as ledger:
        return len({charge.key for charge in await ledger.charges()} - {row[0] for row in rows})


def client_of(stack: Stack, tenant: str) -> Client:
    """A client with every right in a tenant."""
    return Client(dict(stack.urls), stack.credentials.token(tenant=tenant, role="billing_admin"))


@contextmanager
def allowed_again() -> Iterator[None]:
    """A command that may have come back: its key refuses a second execution."""
    try:
        yield
    except CallFailed as refused:
        if refused.problem.get("code") != "command-already-executed":
            raise


async def tollhouse(*arguments: str, expect: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a command with --json; its answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tollhouse", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode not in expect:
        raise DrillFailed(f"tollhouse {arguments[0]} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(output)
    return answer


def show(outcome: Outcome) -> None:
    """Print the numbers of one drill."""
    print(
        f"archive {outcome.archive}: RPO {outcome.rpo_s:.1f} s, RTO {outcome.rto_s:.1f} s;"
        f" {outcome.missing} of {outcome.acknowledged} acknowledged invoices lost and sent again;"
        f" {outcome.put_back} events put back, {outcome.lost} known and lost, {outcome.orphaned} without"
        f" their cause, {outcome.unknown_charges} charges of the gateway without a payment"
    )
    print("verify: ok, and every open invoice is collected")


async def main() -> None:
    """Both drills. Exits with 1 if one fails."""
    for archive_survives in (True, False):
        with tempfile.TemporaryDirectory(prefix="tollhouse-drill-") as folder:
            show(await drill(Path(folder), archive_survives=archive_survives))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except DrillFailed as failure:
        sys.exit(f"drill: {failure}")
