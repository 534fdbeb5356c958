"""Usage over HTTP: the three forms of CloudEvents, clear answers, and no way in without a credential."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.ingest.acceptance.group_commit import BatchSize, GroupCommitWriter
from services.ingest.acceptance.handlers import UsageAcceptance
from services.ingest.acceptance.routes import BODY_BYTES_MAX, EVENTS_PATH, EventsEndpoint, documented
from services.ingest.conftest import Stores
from services.ingest.metered_types.feature import metered_types
from services.ingest.rejected_events.routes import rejected_events_router
from services.ingest.tests.usage_events import NOON, body, event
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.event import Metadata
from shared.framework.eventstore.records import ChangeSet, ClockChange
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.http.app import create_app
from shared.framework.process.system import EventLoopSleeper
from shared.framework.retry.signal import Signal
from shared.framework.testing.fakes import FakeAuthenticator, FakeClock, SequentialIds, caller
from shared.framework.timers.ready_clock import ReadyClock

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
PLENTY = BatchSize(50_000, 2**30)


UNUSED: Any = None
"""The record of an event whose reaction does not read it."""

in_memory = pytest.mark.parametrize("stores", ["memory"], indirect=True)
"""For what is decided before anything is stored."""


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A client of the service, and the service's stores."""

    http: httpx2.AsyncClient
    stores: Stores

    async def post(self, content: bytes, media_type: str = BATCH, **headers: str) -> httpx2.Response:
        return await self.http.post(
            EVENTS_PATH, content=content, headers={"content-type": media_type, **headers}
        )


@pytest_asyncio.fixture
async def client(stores: Stores) -> AsyncIterator[ServiceClient]:
    clock, ids = FakeClock(NOON), SequentialIds()
    acceptance = UsageAcceptance(
        stores.store, stores.deduplication, stores.metered_types, clock, ids, partitions=4
    )
    writer = GroupCommitWriter(acceptance.accept, transaction_max=PLENTY, waiting_max=PLENTY)
    events = EventsEndpoint(writer.submit)
    callers = {
        "agent": caller("nyc", "usage:write", "usage:read"),
        "other": caller("bos", "usage:write", "usage:read"),
        "viewer": caller("nyc", "usage:read"),
        # No verifier lets such a subject in: it stands for any fault that one tenant's request may have.
        "culprit": replace(caller("bad", "usage:write"), subject="nul\0"),
        "house": caller("*", "usage:write"),
    }
    app = create_app(
        "ingest",
        [documented(events), rejected_events_router(stores.deduplication)],
        store=stores.store,
        clock=clock,
        ids=ids,
        authenticator=FakeAuthenticator(callers),
        partitions=4,
        raw={EVENTS_PATH: events},
        clock_waiter=ReadyClock(stores.store, EventLoopSleeper(), Signal()),
    )
    writing = asyncio.create_task(writer.run())
    transport = httpx2.ASGITransport(app=app)
    headers = {"authorization": "Bearer agent"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://ingest", headers=headers) as http:
        yield ServiceClient(http, stores)
    writing.cancel()


@in_memory
@pytest.mark.parametrize(
    ("content", "media_type", "accepted"),
    [
        (body(event())[1:-1], SINGLE, 1),
        (body(event(), event(id="b")), BATCH, 2),
        (body(event())[1:-1], "application/json; charset=utf-8", 1),
        (b" \n" + body(event(), event(id="b")), "application/json", 2),
    ],
)
async def test_events_come_single_or_batched(
    client: ServiceClient, content: bytes, media_type: str, accepted: int
) -> None:
    """The answer comes after the commit and says how far history has come."""
    answer = await client.post(content, media_type)
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": accepted,
        "duplicates": 0,
        "conflicts": 0,
        "rejected": 0,
        "results": [],
        "uncounted": accepted,
        "uncounted_types": ["flight.departed"],
    }
    context, _, position = answer.headers["tollhouse-position"].split(":")
    (record,) = await client.stores.store.read_stable(0, 10)
    assert (context, int(position)) == ("ingest", record.position)


async def test_events_that_no_meter_counts_are_accepted_and_said_to_be_so(client: ServiceClient) -> None:
    """By type and tenant, of accepted events only; in the order of a long list its first hundred."""
    await define_a_meter(client.stores, "nyc", "flight.departed")
    some = [event(id="a"), event(id="b", type="flight.landed"), event(id="c", type="flight.landed")]
    answer = (await client.post(body(*some))).json()
    assert (answer["accepted"], answer["uncounted"], answer["uncounted_types"]) == (3, 2, ["flight.landed"])
    await define_a_meter(client.stores, "nyc", "flight.landed")
    again = (await client.post(body(*some, event(id="d", type="flight.landed")))).json()
    assert (again["accepted"], again["uncounted"], again["uncounted_types"]) == (1, 0, [])
    other = (await client.post(body(event()), authorization="Bearer other")).json()
    assert (other["uncounted"], other["uncounted_types"]) == (1, ["flight.departed"])
    many = (await client.post(body(*(event(id=f"m{n}", type=f"t{n:03}") for n in range(101))))).json()
    assert (many["uncounted"], many["uncounted_types"]) == (101, [f"t{n:03}" for n in range(100)])


async def define_a_meter(stores: Stores, tenant: str, event_type: str) -> None:
    """As when metering's MeterDefined is consumed, once and again."""
    defined = MeterDefined(
        meter_id="mtr_1",
        key="k",
        event_type=event_type,
        aggregation="count",
        value_path=None,
        group_by=(),
        filter={},
        defined_at=NOON,
    )
    metadata = Metadata(correlation_id="c", actor="a", occurred_at=NOON)

    async def work(unit: UnitOfWork) -> None:
        session = unit.session(tenant, metadata)
        for _ in range(2):
            await metered_types(stores.metered_types).reactors[MeterDefined](session, defined, UNUSED)

    await transact(stores.store, work)


async def test_usage_waits_for_an_advance_of_the_test_clock(client: ServiceClient) -> None:
    """It is judged by the clock's target, where it is not in the future; other tenants do not wait."""
    store, target = client.stores.store, NOON + timedelta(days=30)
    late = body(event(time=target.isoformat()))
    await store.commit(ChangeSet(clocks={"nyc": ClockChange(NOON, target)}))
    waiting = asyncio.create_task(client.post(late))
    other = await client.post(body(event()), authorization="Bearer other")
    assert other.json()["accepted"] == 1
    assert not waiting.done()
    await store.commit(ChangeSet(clocks={"nyc": ClockChange(target, None)}))
    assert (await waiting).json()["accepted"] == 1


async def test_usage_that_has_waited_in_vain_is_not_accepted(
    client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender tries again: the events are counted once in any case."""
    monkeypatch.setattr("services.ingest.acceptance.routes.WAIT_MAX_S", 0.01)
    advancing = ClockChange(NOON, NOON + timedelta(days=30))
    await client.stores.store.commit(ChangeSet(clocks={"nyc": advancing}))
    answer = await client.post(body(event()))
    assert (answer.status_code, answer.json()["code"]) == (503, "test-clock-advancing")
    assert await client.stores.store.read_stable(0, 10) == []


async def test_every_event_that_does_not_count_has_its_result(client: ServiceClient) -> None:
    """With index, id, status and a reason that machines can rely on."""
    first = await client.post(body(event(), event(), event(id="e2", time="2999-01-01T00:00:00Z"), 5))
    second = await client.post(body(event(data={"miles": 1})))
    told = [(r["index"], r["id"], r["status"], r.get("reason")) for r in first.json()["results"]]
    assert told == [
        (1, "e1", "duplicate", None),
        (2, "e2", "rejected", "time-in-future"),
        (3, None, "rejected", "event-malformed"),
    ]
    assert second.json()["results"][0]["reason"] == "id-conflict"


@in_memory
@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", BATCH, 400, "usage-not-json"),
        (b'[{"n":NaN}]', BATCH, 400, "usage-not-json"),
        (b"", "application/json", 400, "usage-not-json"),
        (body(event()), SINGLE, 400, "usage-not-cloudevents"),
        (body(event())[1:-1], BATCH, 400, "usage-not-cloudevents"),
        (body(*[5] * 1001), BATCH, 413, "too-many-events"),
        (b" " * (BODY_BYTES_MAX + 1), BATCH, 413, "body-too-large"),
        (body(event()), "text/plain", 415, "media-type-unsupported"),
        (body(event()), "", 415, "media-type-unsupported"),
    ],
)
async def test_a_bad_request_is_a_clear_no(
    client: ServiceClient, content: bytes, media_type: str, status: int, code: str
) -> None:
    """A problem with a stable code, and nothing written."""
    answer = await client.post(content, media_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(await client.stores.store.read_stable(0, 10)) == []


GZIP = {"content-encoding": "gzip"}


def packed(content: bytes) -> bytes:
    """The content as gzip, the same at any time: the names of parametrized tests are made of it."""
    return gzip.compress(content, mtime=0)


async def test_a_body_may_be_gzip(client: ServiceClient) -> None:
    """Usage is text that repeats itself: it packs well."""
    answer = await client.post(packed(body(event())), **GZIP)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (body(event()), GZIP, 400, "body-not-gzip"),
        (packed(body(event()))[:-1], GZIP, 400, "body-not-gzip"),
        (packed(body(event())) + b"more", GZIP, 400, "body-not-gzip"),
        (packed(bytes(BODY_BYTES_MAX + 1)), GZIP, 413, "body-too-large"),
        (packed(b"[" * 100), GZIP, 400, "usage-not-json"),
        (body(event()), {"content-encoding": "br"}, 415, "media-type-unsupported"),
    ],
)
async def test_a_packed_body_that_cannot_be_is_refused(
    client: ServiceClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Of a body that is larger unpacked, no more than the bound is unpacked."""
    answer = await client.post(content, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert list(await client.stores.store.read_stable(0, 10)) == []


async def test_other_methods_are_refused(client: ServiceClient) -> None:
    """Also without the scope."""
    assert (await client.http.get(EVENTS_PATH)).status_code == 405
    viewer = {"authorization": "Bearer viewer"}
    assert (await client.http.get(EVENTS_PATH, headers=viewer)).status_code == 405


@in_memory
@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("viewer", 403), ("house", 403)])
async def test_only_the_tenants_own_writers_come_in(client: ServiceClient, who: str, status: int) -> None:
    """The tenant is in the credential and nowhere else."""
    assert (await client.post(body(event()), authorization=f"Bearer {who}")).status_code == status
    assert list(await client.stores.store.read_stable(0, 10)) == []


async def test_rejected_events_are_listed_page_by_page_for_their_tenant_alone(client: ServiceClient) -> None:
    """They are kept as they came, also with what no column could hold."""
    await client.post(
        json.dumps([{"id": "a\0", "source": 5}, {"id": f"{'x' * 300}"}, event(subject="\x01")]).encode()
    )
    await client.post(body(7), authorization="Bearer other")
    first = (await client.http.get("/v1/events/rejected", params={"limit": 2})).json()
    rest = (await client.http.get("/v1/events/rejected", params={"cursor": first["next_cursor"]})).json()
    assert [item["reason"] for item in (*first["items"], *rest["items"])] == [
        "attribute-invalid",
        "attribute-invalid",
        "text-not-storable",
    ]
    assert rest["next_cursor"] is None
    assert '"source": 5' in first["items"][0]["body"]


@in_memory
@pytest.mark.parametrize("cursor", ["x", "-1", "1e9", "9" * 30, ""])
async def test_a_made_up_cursor_is_refused(client: ServiceClient, cursor: str) -> None:
    """It is ours to spell."""
    answer = await client.http.get("/v1/events/rejected", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor-invalid")


async def test_many_at_once_are_each_answered_with_their_own(client: ServiceClient) -> None:
    """Coalesced behind the scenes, separate at the counter."""
    answers = await asyncio.gather(
        *(client.post(body(event(id=f"e{n}"), event(id=f"e{n + 1}"))) for n in range(40))
    )
    assert sum(answer.json()["accepted"] for answer in answers) == 41
    assert sum(answer.json()["duplicates"] for answer in answers) == 39


async def test_the_route_is_documented_with_its_event(client: ServiceClient) -> None:
    """The hot road goes past FastAPI, its documentation does not."""
    document = (await client.http.get("/openapi.json")).json()
    forms = document["paths"][EVENTS_PATH]["post"]["requestBody"]["content"]
    assert "specversion" in forms[SINGLE]["schema"]["properties"]
    assert forms[BATCH]["schema"]["maxItems"] == 1000


@pytest.mark.parametrize("stores", ["postgres"], indirect=True)
async def test_one_tenants_fault_is_no_other_tenants(client: ServiceClient) -> None:
    """Of 1,000 requests that share transactions with a faulty one, none fails; that one is told why."""

    async def send(number: int, who: str) -> httpx2.Response:
        content = body(event(id=f"{who}-{number}"))
        return await client.post(content, authorization=f"Bearer {who}")

    faulty = [send(number, "culprit") for number in range(5)]
    good = [send(number, "other") for number in range(1000)]
    answers = await asyncio.gather(*good[:400], *faulty, *good[400:])
    told = {(answer.status_code, answer.json().get("code")) for answer in answers[400:405]}
    assert [answer.status_code for answer in (*answers[:400], *answers[405:])] == [200] * 1000
    assert told == {(400, "text-not-storable")}
