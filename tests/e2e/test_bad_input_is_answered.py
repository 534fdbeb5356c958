"""Whatever is thrown at the public interface: a clear problem, nothing lost, never a 500."""

import json
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Installation
from tollhouse.client import Client
from tollhouse.roles import SCOPES

JSON = {"content-type": "application/json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def event(**changes: Any) -> dict[str, Any]:
    """A good event with changes."""
    good = {"specversion": "1.0", "id": "e1", "source": "s", "type": "t", "subject": "who", "data": {"n": 1}}
    return {**good, **changes}


async def ask(client: Client, context: str, method: str, path: str, **more: Any) -> httpx2.Response:
    """One request with the client's credential and nothing else done for it."""
    headers = {"authorization": f"Bearer {client.token}", **more.pop("headers", {})}
    return await client.http.request(method, client.urls[context] + path, headers=headers, **more)


def is_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """Assert that it is a problem+json of this status; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["type"].startswith("urn:tollhouse:refusal:")
    assert problem["status"] == status
    assert problem["title"]
    return problem


COMMANDS = [
    ("metering", "POST", "/v1/meters"),
    ("subscriptions", "POST", "/v1/customers"),
    ("subscriptions", "POST", "/v1/plans"),
    ("subscriptions", "POST", "/v1/subscriptions"),
    ("subscriptions", "POST", "/v1/test-clock"),
    ("subscriptions", "POST", "/v1/test-clock/advance"),
    ("invoicing", "PUT", "/v1/tax-rate"),
    ("invoicing", "POST", "/v1/invoices"),
    ("payments", "POST", "/v1/payment-methods"),
]

BAD_BODIES = {
    "malformed": b'{"a":',
    "wrong-type": b"[1, 2]",
    "unknown-field": b'{"nobody_knows_this": 1}',
    "nan": b'{"rate": NaN, "amount": NaN}',
    "huge-number": b'{"rate": 1e1000000, "amount": "1e1000000", "name": "x", "source": "y"}',
    "nul": b'{"external_id": "a\\u0000b", "key": "a\\u0000b"}',
    "lone-surrogate": b'{"external_id": "\\ud800", "key": "\\ud800"}',
    "deep": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "empty": b"",
}


@pytest.mark.parametrize(("context", "method", "path"), COMMANDS, ids=[path for *_, path in COMMANDS])
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_body_is_a_clear_no(
    client: Client, context: str, method: str, path: str, body: bytes
) -> None:
    """4xx with a code, for every command and every kind of nonsense."""
    answer = await ask(client, context, method, path, content=body, headers={**JSON, "idempotency-key": "k"})
    assert answer.status_code in {400, 422}
    is_problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (event(time="2999-01-01T00:00:00Z"), "rejected"),
        (event(data={"n": "x" * 10}, id=""), "rejected"),
        (event(time="yesterday"), "rejected"),
        (event(subject="a\x00b"), "rejected"),
        (event(specversion="0.3"), "rejected"),
        (event(data=[1]), "rejected"),
        ({"id": 1}, "rejected"),
        ("no object", "rejected"),
    ],
)
async def test_a_bad_event_is_refused_alone_and_kept(client: Client, bad: Any, status: str) -> None:
    """Its neighbours are accepted, it is told why, and it can be listed."""
    body = json.dumps([event(id="good"), bad]).encode()
    answer = (await ask(client, "ingest", "POST", "/v1/events", content=body, headers=BATCH)).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    (result,) = [one for one in answer["results"] if one["index"] == 1]
    assert (result["status"], bool(result["reason"])) == (status, True)
    listed = (await ask(client, "ingest", "GET", "/v1/events/rejected")).json()
    assert result["reason"] in json.dumps(listed)


@pytest.mark.parametrize(
    "body", [b'[{"id": NaN}]', b"[", b"nothing", b'[{"data": {"n": 1e1000000}}]', b"\xff\xfe", b"[]", b"{}"]
)
async def test_unreadable_usage_is_a_problem_or_a_rejection_never_a_500(client: Client, body: bytes) -> None:
    """What cannot be read at all is a 400; what can be read in part is refused one by one."""
    answer = await ask(client, "ingest", "POST", "/v1/events", content=body, headers=BATCH)
    if answer.status_code == 200:
        assert answer.json()["accepted"] == 0
    else:
        is_problem(answer, 400)


async def test_usage_for_no_meter_is_accepted_and_kept(client: Client) -> None:
    """A meter may be defined later; usage is never thrown away for want of one."""
    body = json.dumps(event()).encode()
    answer = await ask(client, "ingest", "POST", "/v1/events", content=body, headers=JSON)
    assert answer.json()["accepted"] == 1


async def test_usage_of_an_unknown_meter_cannot_be_asked_for(client: Client) -> None:
    """404, not an empty answer that looks like no usage."""
    where = "/v1/usage?meter=nobody&subject=who&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&window=day"
    is_problem(await ask(client, "metering", "GET", where), 404)


async def test_the_same_id_is_a_duplicate_and_with_another_payload_a_conflict(client: Client) -> None:
    """Counted once; the conflict is reported and kept, not billed."""
    at = "2026-01-05T00:00:00Z"
    sent = [event(time=at), event(time=at), event(time=at, data={"n": 2})]
    answers = [
        (await ask(client, "ingest", "POST", "/v1/events", content=json.dumps(one), headers=JSON)).json()
        for one in sent
    ]
    counts = [(a["accepted"], a["duplicates"], a["conflicts"]) for a in answers]
    assert counts == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


async def test_another_tenants_ids_are_not_there(installation: Installation, client: Client) -> None:
    """404 for commands, null for reads: not even whether it exists can be learned."""
    async with installation.client("neighbour-of-bad-input") as neighbour:
        body = {"external_id": "acme", "currency": "USD", "time_zone": "UTC"}
        theirs = (await neighbour.command("subscriptions", "/v1/customers", body, key="n1"))["customer_id"]
    card = {"customer_id": theirs, "gateway": "sandbox", "token": "tok_ok"}
    headers = {"idempotency-key": "theirs", **JSON}
    answer = await ask(client, "payments", "POST", "/v1/payment-methods", json=card, headers=headers)
    is_problem(answer, 404)
    seen = await client.graphql("query($id: ID!) { customer(id: $id) { id } }", id=theirs)
    assert seen == {"customer": None}


@pytest.mark.parametrize(
    "context", ["ingest", "metering", "subscriptions", "invoicing", "payments", "projections"]
)
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer nonsense", "Bearer a.b.c", "Basic dTpw"])
async def test_a_missing_or_forged_token_is_401(installation: Installation, context: str, token: str) -> None:
    """Every process, every kind of forgery, the same answer."""
    async with httpx2.AsyncClient(base_url=installation.addresses.urls[context]) as http:
        for method, path in (
            ("GET", "/feed"),
            ("POST", "/v1/events"),
            ("POST", "/graphql"),
            ("POST", "/v1/x"),
        ):
            answer = await http.request(method, path, headers={"authorization": token} if token else {})
            assert answer.status_code in {401, 404, 405}
        assert (
            await http.get("/progress", headers={"authorization": token} if token else {})
        ).status_code == 401


async def test_a_credential_without_the_scope_is_403(installation: Installation) -> None:
    """A viewer may look, not touch."""
    async with installation.client("viewers", role="billing_viewer") as viewer:
        headers = {"idempotency-key": "v", **JSON}
        answer = await ask(viewer, "subscriptions", "POST", "/v1/customers", json={}, headers=headers)
    is_problem(answer, 403)
    assert "customers:write" not in SCOPES["billing_viewer"]


async def test_an_idempotency_key_is_one_effect_and_one_answer(client: Client) -> None:
    """Replayed byte for byte; another payload under it is 422; none at all is 400."""
    good = {"external_id": "acme", "currency": "USD", "time_zone": "Europe/Berlin"}
    key = {"idempotency-key": "only-once", **JSON}
    first = await ask(client, "subscriptions", "POST", "/v1/customers", json=good, headers=key)
    again = await ask(client, "subscriptions", "POST", "/v1/customers", json=good, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    other = {**good, "external_id": "other"}
    is_problem(await ask(client, "subscriptions", "POST", "/v1/customers", json=other, headers=key), 422)
    is_problem(await ask(client, "subscriptions", "POST", "/v1/customers", json=other, headers=JSON), 400)
