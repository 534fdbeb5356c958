"""A reader who follows cursors to the end, and goes on later, reads each row once."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.engine.postgres.build_tables import build_missing_tables
from projections.register import READ_MODELS
from projections.tests.conftest import PostgresReadSide, ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import (
    ADA,
    CONSUMER,
    NEW_YEAR,
    PARTITIONS,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_customer,
    a_payment,
    an_invoice,
    day,
    deliver,
    deliver_page,
)
from shared.billing.contracts.subscriptions.customers import CustomerRegistered

CUSTOMERS = """query($first: Int!, $after: String, $last: Int, $before: String) {
  customers(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { externalId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def register(contexts: Contexts, name: str, at: datetime) -> None:
    """A customer whose stream, and so its partition, follows from the name."""
    registered = CustomerRegistered(
        customer_id=f"cus_{name}", external_id=name, currency="USD", time_zone="UTC", registered_at=at
    )
    await contexts.publish("subscriptions", registered.customer_id, registered, at=at)


class Reader:
    """Reads on from the last cursor that it got."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend = frontend
        self.found: list[str] = []
        self.cursor: str | None = None

    async def read(self, size: int) -> bool:
        """One page; whether there are more."""
        page = (await self.frontend.data(CUSTOMERS, first=size, after=self.cursor))["customers"]
        self.found += [edge["node"]["externalId"] for edge in page["edges"]]
        self.cursor = page["pageInfo"]["endCursor"] or self.cursor
        more: bool = page["pageInfo"]["hasNextPage"]
        return more

    async def read_all(self, size: int) -> None:
        while await self.read(size):
            pass


async def backwards(frontend: Frontend, size: int) -> list[str]:
    """All names from the last page to the first, in the order of the list."""
    found: list[str] = []
    before, more = None, True
    while more:
        page = (await frontend.data(CUSTOMERS, first=1, last=size, before=before))["customers"]
        found = [edge["node"]["externalId"] for edge in page["edges"]] + found
        before, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.integers(-3, 40)),  # by a clock that differs by milliseconds
        st.tuples(st.just("project"), st.integers(0, PARTITIONS - 1), st.integers(1, 3)),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=60,
)


async def play(steps: Sequence[tuple[Any, ...]], *, standing: bool) -> None:
    contexts, side = Contexts(), MemoryReadSide()
    frontend = Frontend(stores_of(side))
    reader, names, moments = Reader(frontend), list[str](), {}
    for step in steps:
        match step:
            case "register", skew:
                name, skew_ms = f"c{len(names)}", 0 if standing else skew
                moments[name] = NEW_YEAR + timedelta(milliseconds=0 if standing else len(names) + skew_ms)
                names.append(name)
                await register(contexts, name, moments[name])
            case "project", partition, limit:
                await deliver_page(contexts, side.projector, side.store, ("subscriptions", partition), limit)
            case "read", size:
                await reader.read(size)
    await deliver(contexts, side.projector, side.store)
    await reader.read_all(3)
    assert sorted(reader.found) == sorted(names)  # each once
    anew = Reader(frontend)
    await anew.read_all(2)
    by_moment_then_history = sorted(names, key=lambda name: (moments[name], names.index(name)))
    assert anew.found == by_moment_then_history
    assert await backwards(frontend, 2) == by_moment_then_history


@given(steps=STEPS, standing=st.booleans())
@settings(max_examples=150, deadline=None)
def test_each_row_is_read_once_however_projecting_and_reading_interleave(
    steps: Sequence[tuple[Any, ...]], standing: bool
) -> None:
    """Partitions are projected out of order, clocks differ by milliseconds, or a test clock stands still."""
    asyncio.run(play(steps, standing=standing))


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_reading_on_while_rows_arrive(either_side: ReadSide, size: int) -> None:
    """Memory and Postgres alike: a partition that is projected late changes nothing."""
    contexts = Contexts()
    names = [f"c{number}" for number in range(24)]
    reader = Reader(Frontend(stores_of(either_side)))
    for number, name in enumerate(names):
        await register(contexts, name, day(0))
        place = ("subscriptions", (number // 4) % PARTITIONS)
        await deliver_page(contexts, either_side.projector, either_side.store, place, 2)
        await reader.read(size)
    await deliver(contexts, either_side.projector, either_side.store)
    await reader.read_all(size)
    assert sorted(reader.found) == sorted(names)


async def test_payments_of_one_moment_are_oldest_first(either_side: ReadSide) -> None:
    """Their ids are hashes; the order is that of their requests."""
    contexts = Contexts()
    await a_customer(contexts, "ada")
    for number in range(1, 6):
        await a_payment(contexts, ADA, await an_invoice(contexts, ADA, number, 100, day(1)), 100, day(1))
    await deliver(contexts, either_side.projector, either_side.store, order=["payments", "invoicing"])
    query = "{ payments(first: 100) { edges { node { id } } } }"
    found = (await Frontend(stores_of(either_side)).data(query))["payments"]["edges"]
    assert [edge["node"]["id"] for edge in found] == [
        f"pay_inv_{TENANT}_{number}_{attempt}" for number in range(1, 6) for attempt in (1, 2)
    ]


async def test_a_table_that_is_built_again_keeps_its_order_and_its_cursors(
    postgres_side: PostgresReadSide,
) -> None:
    """A new version of a read model does not make a reader skip or repeat a row."""
    contexts = Contexts()
    reader = Reader(Frontend(stores_of(postgres_side)))
    for number in range(12):
        await register(contexts, f"c{number}", day(0))
        if number % 3 == 2:
            await deliver_page(
                contexts, postgres_side.projector, postgres_side.store, ("subscriptions", number % 2), 3
            )
            await reader.read(2)
    async with postgres_side.pool.acquire() as connection:
        for model in READ_MODELS:
            await connection.execute(f"DROP TABLE live.{model.table}")
    await build_missing_tables(postgres_side.dsn, READ_MODELS)
    await deliver(contexts, postgres_side.projector, postgres_side.store)
    await reader.read_all(2)
    assert sorted(reader.found) == sorted(f"c{number}" for number in range(12))
    assert (await postgres_side.store.inbox(CONSUMER)).keys()


def forged(**parts: str) -> str:
    fields = {"format": "2", "database": "memory", "low": "-1", "high": "1"} | parts
    text = "|".join([*fields.values(), day(0).isoformat(), "1", "cus_c0"])
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("cursor", "code"),
    [
        (base64.urlsafe_b64encode(f"{day(0).isoformat()}|cus_c0".encode()).decode(), "cursor-outdated"),
        (forged(database="another"), "cursor-outdated"),
        (forged(high="99"), "cursor-outdated"),
        (forged(format="3"), "cursor-invalid"),
        (forged(low="-2"), "cursor-invalid"),
        (forged(high="1e3"), "cursor-invalid"),
    ],
)
async def test_a_cursor_of_another_state_is_refused(cursor: str, code: str) -> None:
    """Of the format without arrivals, of another database, or from after a restored backup: start again."""
    contexts, side = Contexts(), MemoryReadSide()
    await register(contexts, "c0", day(0))
    await deliver(contexts, side.projector, side.store)
    response = await Frontend(stores_of(side)).execute(CUSTOMERS, first=1, after=cursor)
    assert response["errors"][0]["extensions"]["code"] == code
