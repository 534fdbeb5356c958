"""Memory and Postgres keep the same promises to readers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest

from projections.engine.postgres.build_tables import build_missing_tables
from projections.engine.projector import Projector
from projections.engine.read_model import RowChange
from projections.engine.row_store import RowQuery, every_row
from projections.read_models.balances.projection import BALANCES
from projections.read_models.invoices.projection import INVOICES
from projections.register import READ_MODELS
from projections.tests.conftest import PostgresReadSide, ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import (
    ADA,
    ADA_OWES,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_customer,
    a_payment,
    a_refund,
    a_void,
    a_year_in_short,
    an_invoice,
    day,
    deliver,
)
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, EventRecord
from shared.framework.eventstore.unit_of_work import UnitOfWork


class FailsLast(Projector):
    """Does all that a projector does, and then fails in the same transaction."""

    async def __call__(self, unit: UnitOfWork, records: Sequence[EventRecord]) -> None:
        await Projector.__call__(self, unit, records)
        unit.changes.side_writes.append(self.fail)

    async def fail(self, _: Any, __: CommitReceipt) -> None:
        raise RuntimeError("the last effect fails")


def fields_of(projector: Projector) -> dict[str, Any]:
    return {field.name: getattr(projector, field.name) for field in fields(projector)}


async def test_rows_of_both_are_the_same(postgres_side: PostgresReadSide) -> None:
    """What tests prove in memory holds on Postgres, decimals and instants to the last digit."""
    contexts, memory = Contexts(), MemoryReadSide()
    await a_year_in_short(contexts)
    await deliver(contexts, memory.projector, memory.store)
    await deliver(contexts, postgres_side.projector, postgres_side.store, limit=3)
    for model in READ_MODELS:
        stored = {row.key: row async for row in every_row(postgres_side.rows, model, 2)}
        assert stored == memory.rows.table(model)


async def test_a_row_that_somebody_else_has_changed_is_not_overwritten(either_side: ReadSide) -> None:
    """Two processes that both think they lead must not undo each other's changes."""
    contexts = Contexts()
    await a_year_in_short(contexts)
    await deliver(contexts, either_side.projector, either_side.store)
    known = (await either_side.rows.load(BALANCES, [(TENANT, ADA_OWES)]))[TENANT, ADA_OWES]
    for expected in (0, known.revision - 1):
        change = RowChange(replace(known, revision=known.revision + 1), expected=expected)
        with pytest.raises(InboxConflict):
            await either_side.store.commit(
                ChangeSet(side_writes=[either_side.rows.save_write(BALANCES, [change])])
            )
    assert await either_side.rows.load(BALANCES, [(TENANT, ADA_OWES)]) == {(TENANT, ADA_OWES): known}


async def test_a_failed_commit_leaves_rows_history_and_freshness_as_they_were(either_side: ReadSide) -> None:
    """Everything moves with the inbox, or nothing does."""
    contexts = Contexts()
    await an_invoice(contexts, await a_customer(contexts, "ada"), 1, 100, day(1))
    await deliver(contexts, either_side.projector, either_side.store)
    before = await Frontend(stores_of(either_side)).execute("{ invoices { edges { node { id status } } } }")
    await a_void(contexts, ADA, f"inv_{TENANT}_1", 100, day(2))

    with pytest.raises(RuntimeError, match="last"):
        await deliver(contexts, FailsLast(**fields_of(either_side.projector)), either_side.store)
    after = await Frontend(stores_of(either_side)).execute("{ invoices { edges { node { id status } } } }")
    assert after == before
    await deliver(contexts, either_side.projector, either_side.store)
    healed = await Frontend(stores_of(either_side)).data("{ invoices { edges { node { status } } } }")
    assert healed["invoices"]["edges"] == [{"node": {"status": "void"}}]


async def test_pages_for_many_parents_are_each_parents_own(either_side: ReadSide) -> None:
    """One statement, but each parent has its own rows and its own limit."""
    contexts = Contexts()
    names = [await a_customer(contexts, name) for name in ("a", "b", "c")]
    for number in range(1, 10):
        await an_invoice(contexts, names[number % 2], number, 100, day(number))
    await deliver(contexts, either_side.projector, either_side.store)
    pages = await either_side.rows.pages_by(INVOICES, "customer_id", names, RowQuery(TENANT, limit=3))
    numbers = {name: [row.row.number for row in rows] for name, rows in pages.items()}
    assert numbers == {
        names[0]: ["INV-000002", "INV-000004", "INV-000006"],
        names[1]: ["INV-000001", "INV-000003", "INV-000005"],
        names[2]: [],
    }


async def test_the_past_is_shown_as_it_was_served_then(either_side: ReadSide) -> None:
    """After every step the response is kept; later, asOf that step's instant gives the same response."""
    contexts = Contexts()
    await a_customer(contexts, "ada")
    invoice_id, second = f"inv_{TENANT}_1", f"inv_{TENANT}_2"
    payment_id = f"pay_{invoice_id}_2"
    steps: list[Callable[[datetime], Awaitable[Any]]] = [
        lambda at: an_invoice(contexts, ADA, 1, 10_00, at),
        lambda at: a_payment(contexts, ADA, invoice_id, 10_00, at),
        lambda at: an_invoice(contexts, ADA, 2, 7_00, at),
        lambda at: a_void(contexts, ADA, second, 7_00, at),
        lambda at: a_void(contexts, ADA, invoice_id, 10_00, at),
        lambda at: a_refund(contexts, ADA, invoice_id, payment_id, 10_00, at),
    ]
    frontend, served = Frontend(stores_of(either_side)), []
    for number, step in enumerate(steps, start=1):
        await step(day(number))
        await deliver(contexts, either_side.projector, either_side.store)
        served.append(await frontend.data(ANSWER, at=None))
    for number, response in enumerate(served, start=1):
        for instant in (day(number), day(number + 0.99)):
            assert await frontend.data(ANSWER, at=instant.isoformat()) == response
    before = await frontend.data(ANSWER, at=day(0.5).isoformat())
    assert before["first"] is before["second"] is None
    assert before["customer"]["balance"]["owed"]["minor"] == 0


ANSWER = """query($at: DateTime) {
  first: invoice(id: "inv_acme_1", asOf: $at) { status number total { minor } paidAt voidedAt updatedAt }
  second: invoice(id: "inv_acme_2", asOf: $at) { status number lines { amount { minor } } voidReason }
  customer(id: "cus_acme_ada") { balance(asOf: $at) {
    billed { minor } paid { minor } refunded { minor } owed { minor } updatedAt } }
}"""


async def test_a_read_model_that_is_new_is_filled_from_history(postgres_side: PostgresReadSide) -> None:
    """A changed fold gets a table of its own, and it is not served before it is full."""
    contexts = Contexts()
    await a_year_in_short(contexts)
    await deliver(contexts, postgres_side.projector, postgres_side.store)
    before = [row async for row in every_row(postgres_side.rows, BALANCES)]
    await postgres_side.pool.execute(f"DROP TABLE live.{BALANCES.table}")
    assert await build_missing_tables(postgres_side.dsn, READ_MODELS) == [BALANCES.table]
    assert [row async for row in every_row(postgres_side.rows, BALANCES)] == before
    assert await build_missing_tables(postgres_side.dsn, READ_MODELS) == []


async def test_the_application_role_cannot_rewrite_history(postgres_side: PostgresReadSide) -> None:
    """An intruder with the application role cannot change archived events."""
    for statement in ("UPDATE history SET state = ''", "DELETE FROM history", "TRUNCATE history"):
        with pytest.raises(Exception, match="permission denied"):
            await postgres_side.pool.execute(statement)
