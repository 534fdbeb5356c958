"""Unusual queries: they cost no more than is allowed, and cause no defect."""

from typing import Any

import pytest

from projections.tests.conftest import ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import Contexts, MemoryReadSide, a_year_in_short, deliver

WIDE = "customers(first: 100) { edges { node { invoices(first: 100) { edges { node { id } } } } } }"
NEGATIVE = WIDE.replace("customers(first: 100)", "customers(first: -99)")
BEHIND = "customers(first: 100) { edges { node { invoices { ...I } } } }"


@pytest.mark.parametrize(
    "query",
    [
        f"{{ a: {WIDE} b: {WIDE} c: {WIDE} d: {NEGATIVE} e: {NEGATIVE} }}",
        "{" + " ".join(f"c{n}: {BEHIND}" for n in range(13)) + "}"
        " fragment I on InvoiceConnection { ...J } fragment J on InvoiceConnection { edges { cursor } }",
    ],
    ids=["pages of negative size", "pages behind fragments"],
)
async def test_no_spelling_makes_rows_cheaper(query: str) -> None:
    """Rows are counted before anything is read, and nothing can be set off against them."""
    response = await Frontend(stores_of(MemoryReadSide())).execute(query)
    assert [error["message"][:40] for error in response["errors"]] == [
        "The number of rows that could be read is"
    ]


@pytest.mark.parametrize(
    ("query", "nothing"),
    [
        ('{ invoice(id: "\\u0000") { id } }', {"invoice": None}),
        ('{ invoice(id: "\\u0000", asOf: "2026-01-01T00:00:00Z") { id } }', {"invoice": None}),
        ('{ balance(customerId: "x", currency: "\\u0000") { id } }', {"balance": None}),
        ('{ invoices(number: "\\u0000") { edges { cursor } } }', {"invoices": {"edges": []}}),
        (
            '{ customers(first: 1, externalId: "\\u0000") { edges { node { id } } } }',
            {"customers": {"edges": []}},
        ),
    ],
)
async def test_nothing_is_named_with_a_nul(
    either_side: ReadSide, query: str, nothing: dict[str, Any]
) -> None:
    """GraphQL strings may have one by an escape; a text of the database cannot."""
    contexts = Contexts()
    await a_year_in_short(contexts)
    await deliver(contexts, either_side.projector, either_side.store)
    assert await Frontend(stores_of(either_side)).data(query) == nothing


@pytest.mark.parametrize("given", [{}, {"first": "1"}, {"first": 1.5}, {"first": None}, {"first": 2**40}])
async def test_a_wrong_variable_is_the_askers_mistake(given: dict[str, Any]) -> None:
    """The message has the name of the variable."""
    query = "query($first: Int!) { invoices(first: $first) { edges { cursor } } }"
    response = await Frontend(stores_of(MemoryReadSide())).execute(query, **given)
    assert response["errors"][0]["message"].startswith("Variable '$first' has invalid value")
