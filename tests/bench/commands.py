"""Commands per second (load, fold, decide, append) against a stock `eventsourcing` application; replay speed.

Rounds are interleaved and each ratio is of two neighbours, so that a busy machine moves both sides alike.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import asyncpg

from services.invoicing.invoices.commands import DraftInvoice, RateInvoice
from services.invoicing.invoices.decider import INVOICE, InvoiceCommand
from services.invoicing.invoices.state import Invoice, InvoiceEvent
from shared.billing.contracts import CONTRACTS, decode
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.money import Money
from shared.framework.core.event import Metadata
from shared.framework.eventstore import migrate
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from tests.bench.stock_commands import run_stock, stock_application
from tests.bench.workload import COMMANDS_PER_STREAM, NOW, QUANTITY, Rate

METADATA = Metadata(correlation_id="req-1", actor="key-1", occurred_at=NOW)
POOL_SIZE = 16
GOAL = 3.5


@dataclass(frozen=True, slots=True)
class CommandSpeed:
    """Medians over the rounds; `ratio` is the median of each round's own ratio."""

    tasks: int
    ours: Rate
    stock: Rate
    ratio: float

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"commands, {self.tasks} at once: {self.ours.per_s:.0f}/s (p99 {self.ours.p99_ms:.1f} ms), stock "
            f"eventsourcing in threads {self.stock.per_s:.0f}/s (p99 {self.stock.p99_ms:.1f} ms): "
            f"{self.ratio:.1f}x"
        )


@dataclass(frozen=True, slots=True)
class ReplaySpeed:
    """Stored events decoded and folded per second, in memory and read from PostgreSQL in order."""

    folded_per_s: float
    read_per_s: float

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"replay: {self.folded_per_s / 1000:.0f}k events/s decoded and folded,"
            f" {self.read_per_s / 1000:.0f}k events/s read from PostgreSQL, decoded and folded"
        )


async def run(postgres_url: str, *, tasks: int = 16, rounds: int = 5, seconds: float = 2.0) -> CommandSpeed:
    """Measure both on this server, each in a database of its own; on uvloop, as the services run."""
    pairs = []
    async with (
        _database(postgres_url) as our_url,
        _database(postgres_url) as stock_url,
        _store(our_url) as store,
    ):
        with stock_application(stock_url, tasks) as application:
            for _ in range(rounds + 1):
                ours = await _run_ours(store, tasks, seconds)
                stock = await asyncio.to_thread(run_stock, application, tasks, seconds)
                pairs.append((ours, stock))
    warm = pairs[1:]
    return CommandSpeed(
        tasks,
        _median([ours for ours, _ in warm]),
        _median([stock for _, stock in warm]),
        median(ours.per_s / stock.per_s for ours, stock in warm),
    )


async def replay(postgres_url: str, *, streams: int = 2_000) -> ReplaySpeed:
    """How fast history is gone through again: what a rebuild or an audit of one context costs."""
    async with _database(postgres_url) as url, _store(url) as store:
        for first in range(0, streams, 50):
            await asyncio.gather(*(_whole_stream(store, f"inv_{n}") for n in range(first, first + 50)))
        began = perf_counter()
        history, states = await _read_everything(store)
        read_s = perf_counter() - began
    began = perf_counter()
    again = {stream_id: _fold(stream) for stream_id, stream in history.items()}
    folded_s = perf_counter() - began
    events = sum(map(len, history.values()))
    if again != states or events != streams * COMMANDS_PER_STREAM:
        raise AssertionError(f"{len(states)} streams, {events} events: two readings differ")
    return ReplaySpeed(events / folded_s, events / read_s)


def _commands(stream_id: str) -> list[InvoiceCommand]:
    draft = DraftInvoice(
        invoice_id=stream_id,
        customer_id="cus_1",
        currency="USD",
        subscription_id=None,
        period=None,
        now=NOW,
    )
    return [draft, *(_rate(stream_id, number) for number in range(COMMANDS_PER_STREAM - 1))]


def _rate(stream_id: str, number: int) -> RateInvoice:
    line = InvoiceLine(
        line_id=f"{stream_id}/1",
        charge_key="flights",
        description="flights",
        quantity=QUANTITY,
        amount=Money(number, "USD"),
    )
    return RateInvoice(invoice_id=stream_id, lines=(line,), reading_id=None, now=NOW)


async def _give(store: PostgresEventStore, stream_id: str, command: InvoiceCommand) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.session("tenant-a", METADATA).handle(INVOICE, stream_id, command)

    await transact(store, work)


async def _whole_stream(store: PostgresEventStore, stream_id: str) -> None:
    for command in _commands(stream_id):
        await _give(store, stream_id, command)


async def _run_ours(store: PostgresEventStore, tasks: int, seconds: float) -> Rate:
    until = perf_counter() + seconds
    workers = await asyncio.gather(*(_work(store, until) for _ in range(tasks)))
    return Rate.of([latency for worker in workers for latency in worker], seconds)


async def _work(store: PostgresEventStore, until: float) -> list[float]:
    latencies = []
    while perf_counter() < until:
        stream_id = f"inv_{secrets.token_hex(8)}"
        for command in _commands(stream_id):
            began = perf_counter()
            await _give(store, stream_id, command)
            latencies.append(perf_counter() - began)
    return latencies


Stream = list[tuple[str, bytes]]


async def _read_everything(store: PostgresEventStore) -> tuple[dict[str, Stream], dict[str, Invoice]]:
    history, states, after = dict[str, Stream](), dict[str, Invoice](), 0
    while page := await store.read_stable(after, 1000):
        for record in page:
            history.setdefault(record.stream_id, []).append((record.wire_name, record.state))
            state = states.get(record.stream_id, INVOICE.initial)
            states[record.stream_id] = INVOICE.evolve(state, _read(record.wire_name, record.state))
        after = page[-1].position
    return history, states


def _fold(stream: Stream) -> Invoice:
    return INVOICE.fold(_read(wire_name, state) for wire_name, state in stream)


def _read(wire_name: str, state: bytes) -> InvoiceEvent:
    return cast(InvoiceEvent, decode(wire_name, state))


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[PostgresEventStore]:
    role = urlsplit(url).username or "postgres"
    await migrate.apply(url, [migrate.MIGRATIONS], app_role=role)
    pool = await connect(url, size_min=POOL_SIZE, size_max=POOL_SIZE)
    try:
        yield PostgresEventStore(pool, "invoicing", CONTRACTS)
    finally:
        await pool.close()


@asynccontextmanager
async def _database(server_url: str) -> AsyncIterator[str]:
    name = f"bench_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(server_url)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


def _median(rates: Sequence[Rate]) -> Rate:
    return Rate(
        median(rate.per_s for rate in rates),
        median(rate.p50_ms for rate in rates),
        median(rate.p99_ms for rate in rates),
    )
