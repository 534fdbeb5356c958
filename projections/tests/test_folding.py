"""Rows depend on events only: neither on batches nor on the order of streams."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.engine.projector import decoded_events, row_changes
from projections.engine.read_model import DecodedEvent, Key, StoredRow
from projections.read_models.balances.projection import BALANCES
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.usage.projection import USAGE
from projections.register import READ_MODELS
from projections.tests.scenarios import (
    ADA_OWES,
    BOB_OWES,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_year_in_short,
    deliver,
)

Rows = dict[str, dict[Key, StoredRow[Any]]]


async def published() -> list[DecodedEvent]:
    contexts = Contexts()
    await a_year_in_short(contexts)
    return await decoded_events(
        [r for store in contexts.stores.values() for r in await store.read_stable(0, 1000)], READ_MODELS
    )


async def rows_after(events: Sequence[DecodedEvent]) -> Rows:
    rows: Rows = {model.name: {} for model in READ_MODELS}
    for model in READ_MODELS:

        async def load(_: Any, keys: Any, known: dict[Key, StoredRow[Any]] = rows[model.name]) -> Any:
            return {key: known[key] for key in keys if key in known}

        for change in await row_changes(model, events, load):
            rows[model.name][change.stored.key] = change.stored
    return rows


def interleaved(events: Sequence[DecodedEvent], dice: random.Random) -> list[DecodedEvent]:
    """Any order that keeps the order of each stream."""
    streams: dict[tuple[str, str], list[DecodedEvent]] = {}
    for event in events:
        streams.setdefault((event.context, event.stream_id), []).append(event)
    turns = [stream for stream, mine in streams.items() for _ in mine]
    dice.shuffle(turns)
    queues = {stream: iter(mine) for stream, mine in streams.items()}
    return [next(queues[stream]) for stream in turns]


@pytest.fixture(scope="module")
def year() -> list[DecodedEvent]:
    return asyncio.run(published())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_any_interleaving_that_keeps_each_stream_in_order_gives_the_same_rows(
    year: list[DecodedEvent], seed: int
) -> None:
    """Contexts and partitions are consumed at their own pace, and by a rebuild in another order."""
    shuffled = interleaved(year, random.Random(seed))
    assert asyncio.run(rows_after(shuffled)) == asyncio.run(rows_after(year))


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
async def test_rows_do_not_depend_on_how_facts_were_batched(limit: int, year: list[DecodedEvent]) -> None:
    """A batch is one commit, not one meaning."""
    contexts, side = Contexts(), MemoryReadSide()
    await a_year_in_short(contexts)
    await deliver(contexts, side.projector, side.store, limit=limit)
    expected = await rows_after(year)
    assert {model.name: side.rows.table(model) for model in READ_MODELS} == expected


async def test_a_balance_is_what_was_billed_less_what_was_paid_plus_what_went_back(
    year: list[DecodedEvent],
) -> None:
    """A void takes off the bill what was due on it, and a refund takes back what was paid."""
    rows = await rows_after(year)
    ada = rows[BALANCES.name][TENANT, ADA_OWES].row
    bob = rows[BALANCES.name][TENANT, BOB_OWES].row
    assert (ada.billed, ada.paid, ada.refunded, ada.owed) == (17_00, 10_00, 0, 7_00)
    assert (bob.billed, bob.paid, bob.refunded, bob.owed) == (0, 25_00, 25_00, 0)


async def test_an_invoice_keeps_its_number_and_lines_when_it_is_voided(year: list[DecodedEvent]) -> None:
    """A void document is still a document (billing rule 13)."""
    rows = await rows_after(year)
    invoice = rows[INVOICES.name][TENANT, f"inv_{TENANT}_2"].row
    assert (invoice.status, invoice.number, invoice.line_count) == ("void", "INV-000002", 1)


async def test_a_daily_total_replaces_the_one_told_before_it(year: list[DecodedEvent]) -> None:
    """Totals are published again as late usage comes in; they are never added up."""
    rows = await rows_after(year)
    values = {stored.row.subject: int(stored.row.value) for stored in rows[USAGE.name].values()}
    assert values == {"ada": 10, "bob": 7}
