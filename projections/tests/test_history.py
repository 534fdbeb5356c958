"""GET /v1/history: events in the order of `occurred_at`."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from projections.engine.postgres.event_archive import page_of
from projections.tests.conftest import PostgresReadSide, ReadSide, stores_of
from projections.tests.frontend import Frontend
from projections.tests.scenarios import ADA, BOB, TENANT, Contexts, a_year_in_short, day, deliver
from shared.framework.eventstore.records import PAGE_BYTES_MAX, CommitReceipt


@pytest.fixture
async def frontend(either_side: ReadSide) -> Frontend:
    contexts = Contexts()
    await a_year_in_short(contexts)
    await deliver(contexts, either_side.projector, either_side.store)
    return Frontend(stores_of(either_side))


def types(response: httpx2.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [event["type"].split(".", 1)[1].removesuffix(".v1") for event in response.json()["events"]]


async def test_a_stream_is_told_from_its_first_event(frontend: Frontend) -> None:
    """With the stored JSON itself, and with who wrote it and why."""
    response = await frontend.history({"stream_id": f"inv_{TENANT}_2"})
    expected = [
        "invoice.drafted",
        "invoice.lines-rated",
        "invoice.finalized",
        "invoice.paid",
        "invoice.voided",
    ]
    assert types(response) == expected
    last = response.json()["events"][-1]
    assert last["data"]["amount_due"] == {"minor": 25_00, "currency": "USD"}
    assert (last["version"], last["actor"], last["occurred_at"]) == (5, "publisher", "2026-02-10T00:00:00Z")


async def test_a_customers_history_holds_every_stream_that_speaks_of_them(frontend: Frontend) -> None:
    """Also events without a customer_id, such as an attempt that is due; and none of other customers."""
    events = (await frontend.history({"customer_id": ADA, "limit": 1000})).json()["events"]
    assert {event["context"] for event in events} == {"subscriptions", "invoicing", "payments"}
    assert "payments.collection.attempt-due.v1" in {event["type"] for event in events}
    assert BOB not in str(events)
    times = [event["occurred_at"] for event in events]
    assert times == sorted(times)


async def test_history_ends_at_the_moment_that_is_asked_for(frontend: Frontend) -> None:
    """Inclusive: what happened at that very instant had happened."""
    params = {"stream_id": f"inv_{TENANT}_2", "as_of": day(31).isoformat()}
    assert types(await frontend.history(params))[-1] == "invoice.paid"
    params["as_of"] = day(30.9).isoformat()
    assert types(await frontend.history(params)) == []


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_paging_through_history_loses_and_repeats_nothing(frontend: Frontend, limit: int) -> None:
    """`next` leads on until it is null."""
    whole = (await frontend.history({"customer_id": ADA, "limit": 1000})).json()["events"]
    found: list[Any] = []
    params: dict[str, Any] = {"customer_id": ADA, "limit": limit}
    while True:
        page = (await frontend.history(params)).json()
        found += page["events"]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert found == whole


@pytest.mark.parametrize("caller", ["other", "ada"])
async def test_anothers_history_is_not_told(frontend: Frontend, caller: str) -> None:
    """Another tenant finds nothing; a customer may read only their own."""
    for params in ({"customer_id": BOB}, {"stream_id": f"inv_{TENANT}_2"}):
        response = await frontend.history(params, caller)
        assert response.status_code == 403 or response.json()["events"] == []
    assert (await frontend.history({"customer_id": ADA}, "ada")).json()["events"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "history-scope-missing"),
        ({"stream_id": "a", "customer_id": "b"}, "history-scope-missing"),
        ({"stream_id": "a", "as_of": "2026-01-01T00:00:00"}, "request-invalid"),
        ({"stream_id": "a", "as_of": "tomorrow"}, "request-invalid"),
        ({"stream_id": "a", "as_of": "9999-12-31T23:59:59-23:59"}, "request-invalid"),
        ({"stream_id": "a", "after": "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHxhADoz"}, "cursor-invalid"),
        ({"stream_id": "a", "after": "!"}, "cursor-invalid"),
        ({"stream_id": "a", "after": "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHxh"}, "cursor-outdated"),
        ({"stream_id": "a", "limit": "1001"}, "request-invalid"),
        ({"stream_id": "a\x00"}, "text-not-printable"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(
    frontend: Frontend, params: dict[str, Any], code: str
) -> None:
    """A problem, never a defect."""
    response = await frontend.history(params)
    assert (response.status_code, response.json()["code"]) == (400, code)


async def test_a_page_of_the_whole_history_is_bounded_by_bytes(postgres_side: PostgresReadSide) -> None:
    """Filling a new table and auditing hold one page at a time, however large batches of usage are."""
    contexts = Contexts()
    await a_year_in_short(contexts)
    (one, *_) = await contexts.stores["ingest"].read_stable(0, 1)
    large = [replace(one, position=n, state=b"x" * (3 * PAGE_BYTES_MAX // 8)) for n in range(1, 6)]
    async with postgres_side.pool.acquire() as connection:
        await postgres_side.archive.add_write(large, [])(connection, CommitReceipt())
        first = await page_of(connection, "ingest", 0, 1000)
        rest = await page_of(connection, "ingest", first[-1].position, 1000)
    assert [record.position for record in first] == [1, 2, 3]
    assert [record.position for record in rest] == [4, 5]
