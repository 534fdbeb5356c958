"""GraphQL: related rows, pages, filters, freshness, limits, and isolation of tenants and customers."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from projections.api.schema import build_schema
from projections.engine.memory import MemoryRowStore
from projections.engine.read_model import AnyModel, Key, StoredRow
from projections.engine.request_reader import ReadStores
from projections.engine.row_store import RowQuery
from projections.tests.conftest import stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import (
    ADA,
    BOB,
    TENANT,
    Contexts,
    MemoryReadSide,
    a_customer,
    a_year_in_short,
    an_invoice,
    day,
    deliver,
)

SDL = Path(__file__).parents[1] / "schema.graphql"


@pytest.fixture
async def side() -> MemoryReadSide:
    contexts, side = Contexts(), MemoryReadSide()
    await a_year_in_short(contexts)
    await deliver(contexts, side.projector, side.store)
    return side


@pytest.fixture
def frontend(side: MemoryReadSide) -> Frontend:
    return Frontend(stores_of(side))


def test_the_printed_schema_is_the_one_that_is_served() -> None:
    """Clients generate code from the file: `python -m projections.api.print_schema` writes it anew."""
    assert SDL.read_text() == build_schema().as_str() + "\n"


async def test_a_period_that_could_not_be_billed_is_shown_with_its_reason(frontend: Frontend) -> None:
    """Also after it was retried in vain."""
    query = """{ billingRuns(status: failed) { edges { node { id status attempt failureCode failureReason
                 endedAt invoiceId period { start } } } } }"""
    [edge] = (await frontend.data(query))["billingRuns"]["edges"]
    assert edge["node"] == {
        "id": "run_inv_failed",
        "status": "failed",
        "attempt": 2,
        "failureCode": "invoice-too-large",
        "failureReason": "too much",
        "endedAt": day(34).isoformat(),
        "invoiceId": "inv_failed",
        "period": {"start": day(0).isoformat()},
    }


async def test_a_customer_is_shown_with_all_that_is_theirs(frontend: Frontend) -> None:
    """One question, however far the graph reaches."""
    data = await frontend.data(
        """query($id: ID!) { customer(id: $id) { externalId balance { owed { minor amount currency } }
          subscriptions { edges { node { status plan { key } } } }
          invoices { edges { node { number status lines { amount { minor } steps { quantity } }
            payments { status declineCode refunds { status } } collection { status attempt } } } } } }""",
        id=ADA,
    )
    customer = data["customer"]
    assert customer["balance"] == {"owed": {"minor": 700, "amount": "7.00", "currency": "USD"}}
    assert customer["subscriptions"]["edges"] == [{"node": {"status": "active", "plan": {"key": "basic"}}}]
    paid, open_ = [edge["node"] for edge in customer["invoices"]["edges"]]
    assert (paid["number"], paid["status"], open_["status"]) == ("INV-000001", "paid", "finalized")
    assert [payment["status"] for payment in paid["payments"]] == ["failed", "succeeded"]
    assert paid["collection"] == {"status": "completed", "attempt": 2}
    assert open_["collection"] is None


async def test_an_invoice_points_up_to_its_customer(frontend: Frontend) -> None:
    """The graph has circles."""
    query = "{ invoices(status: void) { edges { node { customer { externalId } voidReason } } } }"
    data = await frontend.data(query)
    assert data["invoices"]["edges"] == [
        {"node": {"customer": {"externalId": "bob"}, "voidReason": "mistake"}}
    ]


async def test_states_are_enums_of_the_words_that_rest_uses(frontend: Frontend) -> None:
    """In answers and filters; a word that no row can have is refused before anything is read."""
    query = "query($status: InvoiceStatus) { invoices(status: $status) { edges { node { number status } } } }"
    data = await frontend.data(query, status="void")
    assert [edge["node"] for edge in data["invoices"]["edges"]] == [
        {"number": "INV-000002", "status": "void"}
    ]
    refused = await frontend.execute("{ invoices(status: voided) { edges { node { number } } } }")
    assert "does not exist in 'InvoiceStatus' enum" in refused["errors"][0]["message"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
async def test_paging_meets_every_row_once_in_a_stable_order(size: int) -> None:
    """Equal sort times are ordered by id, so no page boundary loses a row."""
    contexts, side = Contexts(), MemoryReadSide()
    ada = await a_customer(contexts, "ada")
    for number in range(1, 8):
        await an_invoice(contexts, ada, number, 100, day(number // 3))
    await deliver(contexts, side.projector, side.store)
    frontend, numbers, after, more = Frontend(stores_of(side)), [], None, True
    while more:
        query = """query($first: Int!, $after: String) { invoices(first: $first, after: $after) {
            edges { node { number } } pageInfo { hasNextPage endCursor } } }"""
        page = (await frontend.data(query, first=size, after=after))["invoices"]
        numbers += [edge["node"]["number"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert numbers == [f"INV-{number:06}" for number in range(1, 8)]


async def test_rows_are_filtered_by_their_time(frontend: Frontend) -> None:
    """From is inclusive, to is exclusive."""
    query = "query($a: DateTime, $b: DateTime) { invoices(from: $a, to: $b) { edges { node { number } } } }"
    data = await frontend.data(query, a=day(31).isoformat(), b=day(59).isoformat())
    assert {edge["node"]["number"] for edge in data["invoices"]["edges"]} == {"INV-000001", "INV-000002"}


class CountingRows(MemoryRowStore):
    """Counts how often rows are fetched."""

    fetched = 0

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        self.fetched += 1
        return await super().load(model, keys)

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        self.fetched += 1
        return await super().page(model, query)

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        self.fetched += 1
        narrowed = {value: RowQuery(query.tenant_id, (*query.filters, (column, value))) for value in values}
        return {value: await super(CountingRows, self).page(model, one) for value, one in narrowed.items()}


async def test_neighbours_are_read_in_batches_however_many_there_are() -> None:
    """Forty invoices with their payments and customers cost as many fetches as one."""
    contexts, side = Contexts(), MemoryReadSide()
    for number in range(1, 41):
        await an_invoice(contexts, await a_customer(contexts, f"c{number}"), number, 100, day(1))
    await deliver(contexts, side.projector, side.store)
    rows = CountingRows(side.store)
    frontend = Frontend(ReadStores(rows, side.archive, side.freshness))
    query = "{ invoices(first: 50) { edges { node { payments { status } customer { externalId } } } } }"
    data = await frontend.data(query)
    assert len(data["invoices"]["edges"]) == 40
    assert rows.fetched == 3


@pytest.mark.parametrize(
    ("field", "row_id"),
    [("customer", BOB), ("invoice", f"inv_{TENANT}_2"), ("subscription", f"sub_{TENANT}_bob")],
)
@pytest.mark.parametrize("caller", ["other", "ada"])
async def test_what_belongs_to_somebody_else_is_null(
    frontend: Frontend, field: str, row_id: str, caller: str
) -> None:
    """Neither another tenant nor another customer of the same tenant can see that it exists."""
    now, then = f"now: {field}(id: $id) {{ id }}", f"then: {field}(id: $id, asOf: $at) {{ id }}"
    query = f"query($id: ID!, $at: DateTime) {{ {now} {then} }}"
    data = await frontend.data(query, caller, id=row_id, at=day(300).isoformat())
    assert data == {"now": None, "then": None}


async def test_a_customer_finds_only_their_own_rows(frontend: Frontend) -> None:
    """Lists are narrowed by the credential, whatever the filters are."""
    query = """query($bob: String!) { customers { edges { node { externalId } } }
      invoices(customerId: $bob) { edges { node { id } } } usage { edges { node { subject } } }
      plans { edges { node { id } } } meters { edges { node { id } } } }"""
    data = await frontend.data(query, "ada", bob=BOB)
    assert data["customers"]["edges"] == [{"node": {"externalId": "ada"}}]
    assert data["usage"]["edges"] == [{"node": {"subject": "ada"}}]
    assert [data[name]["edges"] for name in ("invoices", "plans", "meters")] == [[], [], []]


async def test_every_answer_says_as_of_which_facts_it_is(frontend: Frontend) -> None:
    """In a field, and in the extensions of every response."""
    response = await frontend.execute("{ freshness { context partition position occurredAt } }")
    assert response["data"]["freshness"] == response["extensions"]["freshness"]
    contexts = {fresh["context"] for fresh in response["extensions"]["freshness"]}
    assert contexts == {"ingest", "metering", "subscriptions", "invoicing", "payments"}
    newest = max(fresh["occurredAt"] or "" for fresh in response["extensions"]["freshness"])
    assert newest == day(59).isoformat()


async def test_freshness_tells_nobody_another_tenants_moments(frontend: Frontend) -> None:
    """Another tenant's test clock is its own business."""
    response = await frontend.execute("{ freshness { occurredAt } }", "other")
    newest = max(fresh["occurredAt"] or "" for fresh in response["data"]["freshness"])
    assert newest == day(31).isoformat()


def nested(levels: int) -> str:
    return (
        "{ invoices { edges { node {"
        + " customer { invoices { edges { node {" * levels
        + " id "
        + "}" * (4 * levels + 4)
    )


BOMBS = {
    "too deep": nested(3),
    "endlessly deep": "{" * 450,
    "deep without end in sight": nested(60),
    "too many aliases": "{" + " ".join(f"a{n}: freshness {{ context }}" for n in range(16)) + "}",
    "too many tokens": "{" + " freshness { context }" * 300 + "}",
    "too many rows": "{ customers(first: 100) { edges { node { invoices(first: 100) { edges { node { id } } }"
    " payments(first: 100) { edges { node { id } } } subscriptions(first: 100) { edges { node { id } } }"
    " } } } }",
    "doubling fragments": "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    + " fragment f60 on Query { a: freshness { context } }",
    "a circle of fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "unknown field": "{ secrets }",
    "a page of nothing": "{ invoices(first: 0) { edges { node { id } } } }",
    "a page of everything": "{ invoices(first: 101) { edges { node { id } } } }",
    "a forged cursor": '{ invoices(after: "bm90IGEgY3Vyc29y") { pageInfo { hasNextPage } } }',
    "an instant without an offset": '{ invoice(id: "x", asOf: "2026-01-01T00:00:00") { id } }',
    "a cursor with a NUL": '{ invoices(after: "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHxhAGI=") { __typename } }',
    "a cursor without an offset": '{ invoices(after: "MjAyNi0wMS0wMVQwMDowMDowMHxh") { __typename } }',
    "an instant beyond all years": '{ invoice(id: "x", asOf: "9999-12-31T23:59:59-23:59") { id } }',
    "no instant": '{ invoice(id: "x", asOf: "NaN") { id } }',
    "an introspection of depth": "{ __schema "
    + "{ types { fields { type " * 8
    + "{ name }"
    + "} } }" * 8
    + " }",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.timeout(5)
async def test_what_is_too_much_or_wrong_is_refused_in_words(frontend: Frontend, bomb: str) -> None:
    """Before any resolver runs where that is possible, and never with a defect."""
    response = await frontend.execute(bomb)
    assert response["errors"], response
    assert "internal-error" not in str(response["errors"])


@pytest.mark.parametrize(
    "body", [[], {}, {"query": 7}, {"query": ""}, {"query": "{a}" * 20000}, [{"query": "{ a }"}], None]
)
async def test_a_body_that_is_no_query_is_a_problem(frontend: Frontend, body: Any) -> None:
    """Batches are not taken either."""
    response = await frontend.post(body)
    assert (response.status_code, response.json()["code"]) == (400, "request-invalid")


@pytest.mark.parametrize(
    ("query", "named"),
    [("{ __typename }", ""), ("query A { __typename }", "B"), ("fragment F on Query { __typename }", None)],
)
async def test_an_operation_that_is_not_there_is_a_problem(
    frontend: Frontend, query: str, named: str | None
) -> None:
    """Whether it is called by a wrong name or the query holds none at all."""
    response = await frontend.post({"query": query, "operationName": named})
    assert (response.status_code, response.json()["code"]) == (400, "operation-unknown")


async def test_who_may_not_read_is_told_so(frontend: Frontend) -> None:
    """Deny by default."""
    assert (await frontend.post({"query": "{ __typename }"}, "nobody")).status_code == 403
    assert (await frontend.post({"query": "{ __typename }"}, "stranger")).status_code == 401


class BrokenRows(MemoryRowStore):
    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        raise RuntimeError("password=hunter2")


async def test_a_defect_is_not_told_to_clients(side: MemoryReadSide) -> None:
    """What failed is logged, not shown."""
    frontend = Frontend(ReadStores(BrokenRows(side.store), side.archive, side.freshness))
    response = await frontend.execute("{ invoices { edges { node { id } } } }")
    assert response["errors"][0]["extensions"] == {"code": "internal-error"}
    assert "hunter2" not in str(response)
