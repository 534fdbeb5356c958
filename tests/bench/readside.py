"""A tenant's small query, alone and while another tenant reads eight lists at once: the ratio of its p99.

The other tenant has an invoice of 40,000 lines. Its lists are read by a process of their own, without a
pause: lists of invoices without lines, or lines page by page. For comparison the same is measured beside
processes that only compute, as many as there are readers: what any load of the processors costs there.
"""

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
)
from shared.billing.money import Money, total
from shared.billing.pricing import RatingStep
from shared.framework.core.event import Metadata
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import Append, ChangeSet
from tollhouse.roles import SCOPES
from tollhouse.supervisor import Stack
from tollhouse.topology import SERVICES

LARGE, SMALL = "large", "small"
LINES = 40_000
INVOICES = 150
AT_ONCE = 8
READERS = 2
"""As `tollhouse up` has them."""
ROUNDS = 6
ROUND_S = 2.0
PAUSE_S = 0.01
SETTLE_S = 0.5
"""After a round: lists whose client has gone away are still being answered."""
GOAL = 2.0
START = datetime(2026, 1, 1, tzinfo=UTC)

SMALL_QUERY = "{ invoices(first: 5) { edges { node { number status total { minor } } } } }"
LISTS = {
    "lists of invoices": "{ invoices(first: 100) { edges { node { id number status lineCount"
    " customerId draftedAt total { minor currency } amountDue { minor } } } pageInfo { endCursor } } }",
    "pages of lines": '{ invoice(id: "inv_large_0") { linePages(first: 100) { edges { node { id'
    " description quantity amount { minor } steps { quantity amount } } } pageInfo { endCursor } } } }",
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The latencies of all rounds, in seconds; the ratio is that of the p99."""

    load: str
    alone_s: Sequence[float]
    beside_s: Sequence[float]

    @property
    def ratio(self) -> float:
        """The p99 beside the load to that alone."""
        return _p99(self.beside_s) / _p99(self.alone_s)

    def __str__(self) -> str:
        return (
            f"a small query beside {self.load}: p99 {_p99(self.beside_s) * 1000:.1f} ms"
            f" (p50 {statistics.median(self.beside_s) * 1000:.1f}), alone {_p99(self.alone_s) * 1000:.1f} ms"
            f" (p50 {statistics.median(self.alone_s) * 1000:.1f}): {self.ratio:.1f}x"
        )


async def run() -> list[Neighbour]:
    """Measure beside each kind of list, on real processes."""
    services = [service for service in SERVICES if service.name in ("invoicing", "projections")]
    with tempfile.TemporaryDirectory(prefix="tollhouse-bench-") as folder:
        async with Stack.start(Path(folder), services=services, readers=READERS) as stack:
            await _publish_invoices(stack)
            url = f"{stack.urls['projections']}/graphql"
            async with _client(stack, SMALL) as small, _client(stack, LARGE) as large:
                await _until_projected(small, large, url)
                return [await _beside_lists(stack, small, url, reads) for reads in LISTS] + [
                    await _measure(small, url, f"{READERS} processes that compute", _computing)
                ]


async def _beside_lists(stack: Stack, small: httpx2.AsyncClient, url: str, reads: str) -> Neighbour:
    counts: list[int] = []
    found = await _measure(small, url, reads, lambda: _reading(stack, url, reads, counts))
    rate = f"{sum(counts) / (ROUNDS * ROUND_S):.0f}/s, goal at most {GOAL:.0f}x"
    return Neighbour(f"{AT_ONCE} {reads} ({rate})", found.alone_s, found.beside_s)


async def _measure(
    small: httpx2.AsyncClient, url: str, load: str, run: Callable[[], AbstractAsyncContextManager[None]]
) -> Neighbour:
    alone, beside = list[float](), list[float]()
    for _ in range(ROUNDS):
        await _latencies(small, url, SETTLE_S)
        alone += await _latencies(small, url)
        async with run():
            beside += await _latencies(small, url)
    return Neighbour(load, alone, beside)


async def _latencies(client: httpx2.AsyncClient, url: str, seconds: float = ROUND_S) -> list[float]:
    """Of the small query, one after the other."""
    found: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        await _read(client, url, SMALL_QUERY)
        found.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_S)
    return found


def _p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1]


@asynccontextmanager
async def _computing() -> AsyncIterator[None]:
    """READERS processes compute during the block."""
    command = (sys.executable, "-c", "while True: pass")
    processes = [  # in sessions of their own, as services are: Linux shares time between sessions
        await asyncio.create_subprocess_exec(*command, start_new_session=True) for _ in range(READERS)
    ]
    yield
    for process in processes:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _reading(stack: Stack, url: str, reads: str, counts: list[int]) -> AsyncIterator[None]:
    """The lists are read by another process during the block, and their number is added to the counts."""
    token = _token(stack, LARGE)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.readside", url, token, reads),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    await process.stdout.readline()  # it has read its first lists
    yield
    process.stdin.close()
    counts.append(int(await process.stdout.readline()))
    await process.wait()


async def read_lists(url: str, token: str, reads: str) -> None:
    """Read AT_ONCE lists without a pause until standard input is closed; print how many were read."""
    count = itertools.count()
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as client:

        async def read_one() -> None:
            """Without decoding the answer: the client shares the processors with what is measured."""
            response = await client.post(url, json={"query": LISTS[reads]})
            if b'"errors"' in response.raise_for_status().content:
                raise RuntimeError(response.text)

        async def read_on() -> None:
            while True:
                await read_one()
                next(count)

        await asyncio.gather(*(read_one() for _ in range(AT_ONCE)))
        print(flush=True)
        readers = [asyncio.create_task(read_on()) for _ in range(AT_ONCE)]
        await asyncio.to_thread(sys.stdin.read)
        print(next(count), flush=True)
        for reader in readers:
            reader.cancel()


async def _read(client: httpx2.AsyncClient, url: str, query: str) -> dict[str, Any]:
    response = await client.post(url, json={"query": query})
    body: dict[str, Any] = response.raise_for_status().json()
    if "errors" in body:
        raise RuntimeError(body["errors"])
    data: dict[str, Any] = body["data"]
    return data


async def _until_projected(small: httpx2.AsyncClient, large: httpx2.AsyncClient, url: str) -> None:
    """Return when the last invoice of both tenants is shown."""
    query = f'{{ invoices(number: "INV-{INVOICES - 1:06}") {{ edges {{ node {{ status }} }} }} }}'
    async with asyncio.timeout(300):
        for client in (small, large):
            while (await _read(client, url, query))["invoices"]["edges"] != [
                {"node": {"status": "finalized"}}
            ]:
                await asyncio.sleep(0.2)


def _client(stack: Stack, tenant: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"authorization": f"Bearer {_token(stack, tenant)}"}, timeout=60)


def _token(stack: Stack, tenant: str) -> str:
    return stack.credentials.token(tenant=tenant, role="billing_viewer", scopes=SCOPES["billing_viewer"])


async def _publish_invoices(stack: Stack) -> None:
    """Finalized invoices of both tenants, as invoicing makes them; the first of LARGE has many lines."""
    pool = await connect(stack.dsn("invoicing"))
    store = PostgresEventStore(pool, "invoicing", CONTRACTS)
    for tenant in (SMALL, LARGE):
        for number in range(INVOICES):
            lines = LINES if (tenant, number) == (LARGE, 0) else 3
            await store.commit(ChangeSet(appends=[_invoice(tenant, number, lines)]))
    await pool.close()


def _invoice(tenant: str, number: int, count: int) -> Append:
    invoice_id, at = f"inv_{tenant}_{number}", START + timedelta(minutes=number)
    lines = tuple(_line(f"{invoice_id}/{user}", user) for user in range(count))
    due = total((line.amount for line in lines), "USD")
    customer: dict[str, Any] = {"customer_id": f"cus_{tenant}", "subscription_id": None}
    events = (
        InvoiceDrafted(invoice_id=invoice_id, currency="USD", period=None, drafted_at=at, **customer),
        InvoiceLinesRated(invoice_id=invoice_id, lines=lines, reading_id=None, rated_at=at),
        InvoiceFinalized(
            invoice_id=invoice_id,
            number=f"INV-{number:06}",
            lines=lines,
            taxes=(),
            subtotal=due,
            tax=Money(0, "USD"),
            total=due,
            amount_due=due,
            finalized_at=at,
            **customer,
        ),
    )
    metadata = Metadata(correlation_id="bench", actor="bench", occurred_at=at)
    return Append(tenant, invoice_id, 0, events, metadata)


def _line(line_id: str, user: int) -> InvoiceLine:
    amount = Money(user + 1, "USD")
    step = RatingStep(
        description="per unit", quantity=Decimal(user + 1), unit_price=Decimal("0.01"), amount=amount.major
    )
    return InvoiceLine(
        line_id=line_id,
        charge_key="calls",
        description=f"Calls (user=user-{user})",
        quantity=Decimal(user + 1),
        amount=amount,
        steps=(step,),
        meter_key="calls",
    )


if __name__ == "__main__":
    asyncio.run(read_lists(*sys.argv[1:]))
