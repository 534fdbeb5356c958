"""An auditor needs no code of ours: a stock `eventsourcing` application reads the same history."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import asyncpg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import ProgrammingError, StoredEvent

from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.state import Finalized
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.eventsourcing_mapper import BillingMapper
from shared.billing.contracts.invoicing.invoices import (
    InvoiceDrafted,
    InvoiceFinalized,
    InvoiceLine,
    InvoiceLinesRated,
)
from shared.billing.money import Money
from shared.framework.core.event import Metadata
from shared.framework.eventstore import migrate
from shared.framework.eventstore.eventsourcing_mapper import MappedEvent
from shared.framework.eventstore.pool import connect
from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import Append, ChangeSet

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LINE = InvoiceLine(
    line_id="lin_1",
    charge_key="flights",
    description="flights",
    quantity=Decimal("842.5"),
    amount=Money(4213, "USD"),
)
DRAFTED = InvoiceDrafted(
    invoice_id="inv_1",
    customer_id="cus_1",
    currency="USD",
    subscription_id=None,
    period=None,
    drafted_at=NOW,
)
RATED = InvoiceLinesRated(invoice_id="inv_1", lines=(LINE,), reading_id=None, rated_at=NOW)
FINALIZED = InvoiceFinalized(
    invoice_id="inv_1",
    customer_id="cus_1",
    subscription_id=None,
    number="INV-000001",
    lines=(LINE,),
    taxes=(),
    subtotal=Money(4213, "USD"),
    tax=Money(0, "USD"),
    total=Money(4213, "USD"),
    amount_due=Money(4213, "USD"),
    finalized_at=NOW,
)


class Auditor(Application[str]):
    """Nothing but the library, and the name under which it finds the table."""

    name = ""


@dataclass
class AuditedInvoice:
    """What the auditor's own fold makes of a stream: our decider's state, at its version."""

    id: str
    version: int
    state: object


def fold(start: AuditedInvoice | None, facts: Iterable[MappedEvent]) -> AuditedInvoice | None:
    """A projector as the library's repository wants it."""
    invoice = start
    for fact in facts:
        state = INVOICE.initial if invoice is None else invoice.state
        invoice = AuditedInvoice(
            fact.originator_id,
            fact.originator_version,
            INVOICE.evolve(state, fact.event),  # type: ignore[arg-type]
        )
    return invoice


@pytest.fixture
async def history(database_url: str) -> str:
    """A database with one invoice and a stranger's stream, as the services leave it."""
    role = urlsplit(database_url).username
    await migrate.apply(database_url, [migrate.MIGRATIONS], app_role=role or "postgres")
    pool = await connect(database_url)
    store = PostgresEventStore(pool, "invoicing", CONTRACTS)
    metadata = Metadata(correlation_id="req-1", actor="key-1", occurred_at=NOW)
    await store.commit(ChangeSet([Append("tenant-a", "inv_1", 0, (DRAFTED, RATED), metadata)]))
    await store.commit(
        ChangeSet(
            [
                Append("tenant-b", "inv_2", 0, (DRAFTED,), metadata),
                Append("tenant-a", "inv_1", 2, (FINALIZED,), metadata),
            ]
        )
    )
    await pool.close()
    return database_url


def auditor(url: str) -> Auditor:
    address = urlsplit(url)
    return Auditor(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_HOST": address.hostname or "",
            "POSTGRES_PORT": str(address.port),
            "POSTGRES_DBNAME": address.path.removeprefix("/"),
            "POSTGRES_USER": address.username or "",
            "POSTGRES_PASSWORD": address.password or "",
            "ORIGINATOR_ID_TYPE": "text",
            "CREATE_TABLE": "n",
            "MAPPER_TOPIC": "shared.billing.contracts.eventsourcing_mapper:BillingMapper",
        }
    )


async def test_a_stock_application_reads_our_history(history: str) -> None:
    """Its notification log, its recorder and its repository: three ways to the same facts."""
    await asyncio.to_thread(_audit, history)


def _audit(url: str) -> None:
    with auditor(url) as app:
        log = app.notification_log.select(start=1, limit=10)
        assert [(n.originator_id, n.originator_version, n.topic) for n in log] == [
            ("inv_1", 1, "invoicing.invoice.drafted.v1"),
            ("inv_1", 2, "invoicing.invoice.lines-rated.v1"),
            ("inv_2", 1, "invoicing.invoice.drafted.v1"),
            ("inv_1", 3, "invoicing.invoice.finalized.v1"),
        ]
        stored = app.recorder.select_events("inv_1", gt=1)
        assert [app.mapper.to_domain_event(event) for event in stored] == [
            MappedEvent("inv_1", 2, RATED),
            MappedEvent("inv_1", 3, FINALIZED),
        ]
        invoice = app.repository.get("inv_1", projector_func=fold)
        assert invoice == AuditedInvoice("inv_1", 3, Finalized(FINALIZED))
        with pytest.raises(AggregateNotFoundError):
            app.repository.get("inv_9", projector_func=fold)


async def test_a_stock_application_cannot_write_into_it(history: str) -> None:
    """Its table lock is not our watermark, and it knows neither tenant nor metadata: it finds no way in."""
    before = await _count(history)
    with pytest.raises(ProgrammingError):
        await asyncio.to_thread(_write, history)
    assert await _count(history) == before


def _write(url: str) -> None:
    with auditor(url) as app:
        app.recorder.insert_events([StoredEvent("inv_9", 1, "invoicing.invoice.drafted.v1", b"{}")])


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    count = await connection.fetchval("SELECT count(*) FROM events")
    await connection.close()
    return int(count)


def test_the_mapper_writes_what_our_store_writes() -> None:
    """One vocabulary, both ways."""
    mapper = BillingMapper.__new__(BillingMapper)
    fact = MappedEvent("inv_1", 2, RATED)
    assert mapper.to_domain_event(mapper.to_stored_event(fact)) == fact
