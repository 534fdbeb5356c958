import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest
from httpx2 import Response

from shared.framework.http.tests.doubles import Setting


def problem(answer: Response) -> tuple[int, str]:
    """Status and code of a well-formed problem."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:tollhouse:refusal:{body['code']}"
    assert set(body) >= {"title", "detail", "instance"}
    return answer.status_code, body["code"]


HOSTILE = {
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": "x", "lines": [{"minor": -Infinity}]}',
    "float overflow": b'{"name": "x", "lines": [{"minor": 1e400}]}',
    "huge exponent": b'{"name": "x", "lines": [{"minor": 1e1000000}]}',
    "bigger than 64 bits": b'{"name": "x", "lines": [{"minor": 1180591620717411303424}]}',
    "five thousand digits": b'{"name": "x", "lines": [{"minor": ' + b"9" * 5000 + b"}]}",
    "nul": b'{"name": "a\\u0000b"}',
    "nul in a key": b'{"name": "x", "a\\u0000": 1}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "deep list": b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}",
    "endless depth": b"[" * 100_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_no_database_can_hold_is_refused_at_the_door(body: bytes) -> None:
    """Each of these has taken down a service somewhere (reliability-security.md 4.4)."""
    assert problem(await Setting().send(body)) == (400, "body-not-storable")


NOT_JSON = {
    "nothing like it": b"name=x",
    "cut off": b'{"name": "x"',
    "two values": b'{"name": "x"} {}',
    "latin-1": b'{"name": "\xe9"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "raw nul": b'{"name": "a\x00"}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    """With the place where reading stopped."""
    assert problem(await Setting().send(body)) == (400, "body-not-json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "x", "name": "y"}',
        b'{"name": "x", "name": "x"}',
        b'{"name": "x", "n\\u0061me": "y"}',
        b'{"name": "x", "lines": [{"minor": 1, "minor": 2}]}',
        b'{"name": "x", "unknown": {"a": {"b": 1, "b": 2}}}',
    ],
)
async def test_a_key_is_given_once(body: bytes) -> None:
    """At any depth and in any spelling; of two values another reader would take the other."""
    assert problem(await Setting().send(body)) == (400, "body-key-repeated")


WRONG: dict[str, tuple[object, list[str]]] = {
    "no body": (None, ["/body"]),
    "not an object": ([], ["/body"]),
    "missing field": ({}, ["/body/name"]),
    "wrong type": ({"name": 5}, ["/body/name"]),
    "unknown field": ({"name": "x", "tenant": "other"}, ["/body/tenant"]),
    "money as fraction": ({"name": "x", "lines": [{"minor": 1.5}]}, ["/body/lines/0/minor"]),
    "money as text": ({"name": "x", "lines": [{"minor": "1"}]}, ["/body/lines/0/minor"]),
    "money as truth": ({"name": "x", "lines": [{"minor": True}]}, ["/body/lines/0/minor"]),
    "two mistakes": ({"name": "", "currency": "usd"}, ["/body/name", "/body/currency"]),
}


@pytest.mark.parametrize(("body", "pointers"), WRONG.values(), ids=WRONG.keys())
async def test_each_mistake_in_a_body_is_pointed_at(body: object, pointers: list[str]) -> None:
    """One answer lists all of them, by JSON pointer."""
    answer = await Setting().send(b"" if body is None else json.dumps(body).encode())
    assert problem(answer) == (400, "request-invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


async def test_a_body_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI validates what the middleware has decoded."""
    monkeypatch.delattr("json.loads")
    answer = await Setting().post("t1", lines=[{"minor": 1}] * 40)
    assert answer.status_code == 201


async def test_a_path_parameter_is_judged_too() -> None:
    """Ids have one spelling."""
    answer = await Setting().post("a%20b")
    assert problem(answer) == (400, "request-invalid")
    assert answer.json()["errors"][0]["pointer"] == "/path/thing_id"


async def test_a_body_beyond_the_limit_is_refused_when_announced_and_when_found() -> None:
    """The announcement may lie, or be missing."""
    setting = Setting()
    assert problem(await setting.send(b" " * (1024 * 1024 + 1))) == (413, "body-too-large")
    assert problem(await setting.send(b"{}", content_length="9" * 30)) == (413, "body-too-large")


@pytest.mark.parametrize(
    "headers",
    [{"content_type": "text/plain"}, {"content_type": ""}, {"content_encoding": "br"}],
    ids=["text", "unsaid", "compressed"],
)
async def test_only_plain_json_is_taken(headers: dict[str, str]) -> None:
    """415, not a guess."""
    assert problem(await Setting().send(b'{"name": "x"}', **headers)) == (415, "media-type-unsupported")


async def test_a_refusal_of_the_domain_is_told_by_its_kind_and_code() -> None:
    """The docstring is the title; the argument says what it was about."""
    answer = await Setting().post("t7", name="cursed")
    assert problem(answer) == (409, "thing-is-cursed")
    assert answer.json()["title"] == "Nobody may make such a thing."
    assert (answer.json()["detail"], answer.json()["instance"]) == ("t7", "/v1/things/t7")


async def test_an_unknown_method_is_told_which_ones_there_are() -> None:
    """405 with Allow."""
    setting = Setting()
    answer = await setting.client.delete("/v1/things", headers={"authorization": "Bearer writer"})
    assert problem(answer) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_failure_of_ours_says_nothing_but_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets a correlation id, the log has the cause."""
    with caplog.at_level(logging.ERROR):
        answer = await Setting().get("/v1/secret-failure")
    assert problem(answer) == (500, "internal-error")
    assert "hunter2" not in answer.text
    assert answer.headers["x-correlation-id"]
    assert "hunter2" in caplog.text  # pytest's own formatter; ours blacks it out (observability tests)


async def test_a_server_that_is_away_makes_us_unavailable_not_broken() -> None:
    """503 with a time to come back."""
    answer = await Setting().get("/v1/away")
    assert problem(answer) == (503, "temporarily-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "u:p" not in answer.text


async def test_a_callers_correlation_id_is_kept_if_it_is_one() -> None:
    """Else it gets one of ours: ids go into logs and history."""
    setting = Setting()
    kept = await setting.get("/v1/things", x_correlation_id="order-77")
    made = await setting.get("/v1/things", x_correlation_id='"} evil')
    assert kept.headers["x-correlation-id"] == "order-77"
    assert made.headers["x-correlation-id"].startswith("req_")


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that stops in the middle holds neither a task nor a connection for ever."""
    monkeypatch.setattr("shared.framework.http.request_body.BODY_TIMEOUT_S", 0.01)

    async def half() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await asyncio.Event().wait()

    headers = {"authorization": "Bearer writer", "idempotency-key": "k", "content-type": "application/json"}
    answer = await Setting().client.post("/v1/things/t1", content=half(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (408, "body-too-slow")


UNSEEN = ["/v1/things?name=%00", "/v1/things?%00=x", "/v1/things?a=ok&name=ac%E2%80%8Bme", "/v1/th%00ings"]


@pytest.mark.parametrize("path", [*UNSEEN, "/v1/things?name=jose%CC%81", "/v1/th%E2%80%AEings", "/none/%07"])
async def test_a_path_or_query_that_cannot_be_seen_is_refused(path: str) -> None:
    """Before it reaches a database that cannot store it; the parameter is named."""
    answer = await Setting().get(path)
    assert problem(answer) == (400, "text-not-printable")
    (error,) = answer.json()["errors"]
    assert error["pointer"].startswith(("/path", "/query/"))
    assert error["pointer"].isprintable()


async def test_a_query_in_any_script_is_taken() -> None:
    """Whatever its spelling on the wire."""
    answer = await Setting().get("/v1/things?name=%E6%9D%B1%E4%BA%AC&other=a+b%20c&empty=")
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["idempotency-key", "content-type", "content-encoding"])
async def test_a_header_with_one_value_is_given_once(name: str) -> None:
    """Even with the same value: of two lines a proxy may have seen the other."""
    setting = Setting()
    given = {"authorization": "Bearer writer", "idempotency-key": "k", "content-type": "application/json"}
    headers = [*given.items(), (name, "k1"), (name, "k1")]
    answer = await setting.client.post("/v1/things/t1", content=b'{"name": "x"}', headers=headers)
    assert problem(answer) == (400, "header-repeated")
    assert name in answer.json()["detail"]
    assert setting.hooks.effects == 0
