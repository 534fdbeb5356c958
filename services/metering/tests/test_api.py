"""Meters and usage over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.metering.backfills.backfill import ACTIVE_WITHIN_S, MeterBackfill
from services.metering.conftest import Stores
from services.metering.meters.routes import meters_router
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.ports import CONSUMER
from services.metering.tests.usage import NOON, SkippingSleeper, record, usage
from services.metering.unreadable_usage.routes import unreadable_usage_router
from services.metering.usage_queries.routes import usage_router
from shared.billing.contracts import CONTRACTS, TOPICS
from shared.billing.contracts.ingest.usage import UsageEvent
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import ChangeSet, InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork
from shared.framework.http.app import create_app
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller

MILES = {
    "key": "miles",
    "event_type": "flight",
    "aggregation": "sum",
    "value_path": "value",
    "group_by": ["origin"],
    "filter": {"origin": ["JFK", "EWR"]},
}
MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
PARTITIONS = 4


in_memory = pytest.mark.parametrize("stores", ["memory"], indirect=True)
"""For what is decided before anything is stored."""


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A client of the service, and the service's stores."""

    http: httpx2.AsyncClient
    stores: Stores
    backfill: MeterBackfill
    sleeper: SkippingSleeper

    async def define(self, key: str = "k1", **changes: Any) -> httpx2.Response:
        meter = {name: value for name, value in {**MILES, **changes}.items() if value is not None}
        answer = await self.http.post("/v1/meters", json=meter, headers={"idempotency-key": key})
        if answer.status_code == 201:
            join = self.stores.meters.activate_write(answer.json()["meter_id"], 0)
            await self.stores.store.commit(ChangeSet(side_writes=[join]))
        return answer

    async def usage(self, who: str = "admin", **query: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {who}"}
        return await self.http.get("/v1/usage", params={"meter": "miles", **MARCH, **query}, headers=headers)

    async def fold(self, *events: UsageEvent) -> None:
        unit = UnitOfWork(self.stores.store)
        await RollupConsumer(self.stores.meters, self.stores.rollups)(unit, [record(events, 7)])
        reached = InboxPosition(CONSUMER, TOPICS["ingest"], partition_of(slot_of("nyc"), PARTITIONS), 7)
        unit.changes.inbox.append(InboxAdvance(reached, 0))
        await unit.commit()


@pytest_asyncio.fixture
async def client(stores: Stores) -> AsyncIterator[ServiceClient]:
    callers = {
        "admin": caller("nyc", "meters:write", "meters:read", "usage:read"),
        "viewer": caller("nyc", "meters:read", "usage:read"),
        "other": caller("bos", "meters:write", "meters:read", "usage:read"),
    }
    ingest = MemoryEventStore("ingest", FakeClock(NOON), CONTRACTS)
    sleeper = SkippingSleeper()
    backfill = MeterBackfill(
        stores.store, stores.meters, stores.rollups, InProcessFeeds({"ingest": ingest}), sleeper, PARTITIONS
    )
    app = create_app(
        "metering",
        [
            meters_router(stores.meters),
            usage_router(backfill, stores.rollups),
            unreadable_usage_router(backfill, stores.unreadable),
        ],
        store=stores.store,
        clock=FakeClock(NOON),
        ids=SequentialIds(),
        authenticator=FakeAuthenticator(callers),
        partitions=PARTITIONS,
    )
    transport = httpx2.ASGITransport(app=app)
    headers = {"authorization": "Bearer admin"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://metering", headers=headers) as http:
        yield ServiceClient(http, stores, backfill, sleeper)


async def test_a_meter_is_defined_shown_and_listed(client: ServiceClient) -> None:
    """The same definition under another key of the caller is the same meter."""
    made = await client.define()
    assert made.status_code == 201
    assert (
        made.json() | MILES
        == made.json() | {"group_by": ["origin"], "filter": {"origin": ["EWR", "JFK"]}} | MILES
    )
    assert made.headers["tollhouse-position"].startswith("metering:")
    assert (await client.define("k2")).json() == made.json()
    shown = (await client.http.get("/v1/meters/miles")).json()
    assert shown == {**made.json(), "unreadable": 0}
    assert (await client.http.get("/v1/meters")).json() == {"items": [made.json()]}


async def test_another_definition_of_the_key_is_a_conflict(client: ServiceClient) -> None:
    """409 with a stable code."""
    await client.define()
    answer = await client.define("k2", group_by=[])
    assert (answer.status_code, answer.json()["code"]) == (409, "meter-exists")


@in_memory
@pytest.mark.parametrize(
    "changes",
    [
        {"key": "no spaces"},
        {"aggregation": "median"},
        {"value_path": None},
        {"value_path": "a..b"},
        {"value_path": "$.a[0]"},
        {"group_by": ["$"]},
        {"filter": {"a.*": ["x"]}},
        {"group_by": "origin"},
        {"group_by": ["x"] * 9},
        {"filter": {"origin": []}},
        {"filter": {"origin": "JFK"}},
        {"event_type": ""},
        {"event_type": "jose\u0301"},
        {"event_type": "flight\u200b"},
        {"surprise": 1},
    ],
)
async def test_a_meter_that_cannot_be_is_refused(client: ServiceClient, changes: dict[str, Any]) -> None:
    """400, and nothing is written."""
    assert (await client.define(**changes)).status_code == 400
    assert (await client.http.get("/v1/meters")).json() == {"items": []}


async def test_usage_is_answered_exactly_with_the_position_that_it_includes(client: ServiceClient) -> None:
    """Values are decimal strings; windows without usage are left out."""
    await client.define()
    await client.fold(
        usage(value="0.1", origin="JFK"), usage(value="0.2", origin="EWR"), usage(value=5, origin="LGA")
    )
    answer = (await client.usage(subject="UA")).json()
    partition = partition_of(slot_of("nyc"), PARTITIONS)
    assert answer == {
        "meter": "miles",
        "subject": "UA",
        "window": "total",
        "as_of_position": f"ingest:{partition}:7",
        "unreadable": 0,
        "items": [{"start": MARCH["from"], "end": MARCH["to"], "group": {}, "value": "0.3"}],
    }
    by_origin = (await client.usage(window="day", group_by=["origin", "subject"])).json()["items"]
    assert [(item["group"], item["start"], item["value"]) for item in by_origin] == [
        ({"origin": "EWR", "subject": "UA"}, "2026-03-01T00:00:00Z", "0.2"),
        ({"origin": "JFK", "subject": "UA"}, "2026-03-01T00:00:00Z", "0.1"),
    ]


@in_memory
@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"meter": "nobody"}, 404, "meter-unknown"),
        ({"group_by": "carrier"}, 400, "dimension-unknown"),
        ({"to": MARCH["from"]}, 400, "range-invalid"),
        ({"from": "1800-01-01T00:00:00Z"}, 400, "range-invalid"),
        ({"from": "2020-01-01T00:00:00Z", "window": "hour"}, 400, "range-invalid"),
        ({"from": "2026-03-01T00:00:00"}, 400, "request-invalid"),
        ({"window": "week"}, 400, "request-invalid"),
        ({"subject": "U\0"}, 400, "text-not-printable"),
        ({"subject": "U\u200bA"}, 400, "text-not-printable"),
        ({"meter": "a b"}, 400, "request-invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_a_clear_no(
    client: ServiceClient, query: dict[str, Any], status: int, code: str
) -> None:
    """Never an empty answer that looks like no usage."""
    await client.define()
    answer = await client.usage(**query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_another_tenant_sees_neither_meter_nor_usage(client: ServiceClient) -> None:
    """404, as if it were not there."""
    await client.define()
    await client.fold(usage(value=1, origin="JFK"))
    assert (await client.usage("other")).status_code == 404
    other = {"authorization": "Bearer other"}
    assert (await client.http.get("/v1/meters/miles", headers=other)).status_code == 404
    assert (await client.http.get("/v1/meters", headers=other)).json() == {"items": []}


async def test_a_viewer_defines_nothing(client: ServiceClient) -> None:
    """Scopes decide."""
    client.http.headers["authorization"] = "Bearer viewer"
    assert (await client.define()).status_code == 403


@in_memory
async def test_a_path_that_is_not_understood_is_named_with_what_is(client: ServiceClient) -> None:
    """The problem points at the field."""
    answer = await client.define(value_path="$.legs[0]", group_by=["$.origin", "$"])
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert set(errors) == {"/body/value_path", "/body/group_by/1"}
    assert all("1 to 8 names joined by dots, such as a.b or $.a.b" in text for text in errors.values())


@in_memory
async def test_a_path_of_json_path_is_shown_as_its_names(client: ServiceClient) -> None:
    """It is the same meter."""
    made = (await client.define(value_path="$.value", group_by=["$.origin"])).json()
    assert (made["value_path"], made["group_by"]) == ("value", ["origin"])
    assert (await client.define("k2")).json() == made


async def test_what_a_meter_cannot_read_is_listed_with_the_reason(client: ServiceClient) -> None:
    """In pages, in the order of acceptance; usage says how many there are, the meter too."""
    await client.define(filter=None)
    bad = [
        (usage(origin="JFK"), "value-missing", "value"),
        (usage(value="n/a"), "not-a-number", "value"),
        (usage(value=True), "not-a-number", "value"),
        (usage(value="9" * 41), "out-of-bounds", "value"),
        (usage(value={"a": 1}), "not-scalar", "value"),
        (usage(value=1, origin=["JFK"]), "group-not-scalar", "origin"),
        (usage("DL", value=1, origin="x" * 257), "group-text-too-long", "origin"),
    ]
    await client.fold(usage(value=0.5), *(event for event, _, _ in bad))
    pages: list[list[dict[str, Any]]] = []
    cursor = None
    while not pages or cursor:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.http.get("/v1/meters/miles/unreadable", params=query)).json()
        pages.append(page["items"])
        cursor = page["next_cursor"]
    assert [len(page) for page in pages] == [3, 3, 1]
    listed = [one for page in pages for one in page]
    assert [[one["reason"], one["path"]] for one in listed] == [why for _, *why in bad]
    partition = partition_of(slot_of("nyc"), PARTITIONS)
    assert listed[-1] == {
        "source": "s",
        "id": "e",
        "subject": "DL",
        "time": "2026-03-01T12:00:00Z",
        "reason": "group-text-too-long",
        "path": "origin",
        "position": f"ingest:{partition}:7",
    }
    assert (await client.http.get("/v1/meters/miles")).json()["unreadable"] == 7
    assert (await client.usage()).json()["unreadable"] == 7
    assert (await client.usage(subject="DL")).json()["unreadable"] == 1
    assert (await client.usage(to="2026-03-01T12:00:00Z")).json()["unreadable"] == 0


async def test_unreadable_usage_of_another_tenant_or_at_no_place_is_not_shown(client: ServiceClient) -> None:
    """404 and 400."""
    await client.define()
    other = {"authorization": "Bearer other"}
    assert (await client.http.get("/v1/meters/miles/unreadable", headers=other)).status_code == 404
    answer = await client.http.get("/v1/meters/miles/unreadable", params={"cursor": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/meters/miles/unreadable"])
async def test_usage_of_a_meter_that_counts_the_past_waits_for_it(client: ServiceClient, path: str) -> None:
    """No empty answer that claims a position: it waits, and at last says how far the meter has counted."""
    await client.http.post("/v1/meters", json=MILES, headers={"idempotency-key": "k1"})
    answer = await client.http.get(path, params={"meter": "miles", **MARCH})
    partition = partition_of(slot_of("nyc"), PARTITIONS)
    assert (answer.status_code, answer.json()["code"]) == (503, "past-is-being-counted")
    assert f"ingest:{partition}:0" in answer.json()["detail"]
    assert client.sleeper.now >= ACTIVE_WITHIN_S
    client.sleeper.meanwhile = client.backfill.step
    answer = await client.http.get(path, params={"meter": "miles", **MARCH})
    assert answer.status_code == 200
