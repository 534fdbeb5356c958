import asyncio
import logging
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.framework.http.docs import FILES
from shared.framework.http.tests.doubles import Setting
from shared.framework.observability.tracing import start_tracing
from shared.framework.testing.fakes import FakeAuthenticator


async def test_live_asks_nobody() -> None:
    """A dead database is no reason to kill the process that waits for it."""
    setting = Setting(checks={"database": refuse})
    assert (await setting.client.get("/health/live")).json() == {"status": "alive"}


async def refuse() -> None:
    raise ConnectionRefusedError("postgres://user:secret@host")  # pragma: allowlist secret


async def hang() -> None:
    await asyncio.Event().wait()


async def agree() -> None:
    return None


async def test_ready_says_which_check_failed_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs is a check that fails."""
    monkeypatch.setattr("shared.framework.http.health.CHECK_TIMEOUT_S", 0.01)
    setting = Setting(checks={"database": refuse, "consumer": agree, "broker": hang})
    answer = await setting.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ConnectionRefusedError",
        "consumer": "ok",
        "broker": "TimeoutError",
    }


async def test_ready_tells_what_is_wrong_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that cannot be read is no reason to serve nobody, and somebody must learn of it."""
    monkeypatch.setattr(FakeAuthenticator, "warnings", lambda _: ["api_keys.json has such entries: 1"])
    answer = await Setting().client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["warnings"] == ["api_keys.json has such entries: 1"]


async def test_ready_when_all_checks_agree() -> None:
    """Only then does traffic come."""
    answer = await Setting(checks={"consumer": agree}).client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


async def test_the_documentation_is_valid_openapi_3_1_and_knows_problems() -> None:
    """Clients are generated from it."""
    document = (await Setting().client.get("/openapi.json")).json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    post = document["paths"]["/v1/things/{thing_id}"]["post"]
    (key,) = [parameter for parameter in post["parameters"] if parameter["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    assert "application/problem+json" in post["responses"]["4XX"]["content"]


async def test_the_documentation_page_asks_nothing_of_the_network() -> None:
    """Every address on it is ours, every file is served, and the browser is forbidden all others."""
    client = Setting().client
    page = await client.get("/docs")
    links = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert set(links) == {f"/docs/{file}" for file in FILES}
    for link in links:
        assert (await client.get(link)).status_code == 200
    assert "http" not in page.headers["content-security-policy"]


async def test_metrics_count_by_route_template_not_by_path() -> None:
    """A path may hold anything; labels must stay few."""
    setting = Setting()
    await setting.post("t-4711")
    await setting.get("/v1/no-such-4712")
    text = (await setting.client.get("/metrics")).text
    assert 'tollhouse_http_requests_total{method="POST",route="/v1/things/{thing_id}",status="201"}' in text
    assert "4711" not in text
    assert "4712" not in text


async def hot(scope: Scope, receive: Receive, send: Send) -> None:
    if dict(scope["headers"]).get(b"x-fail"):
        raise RuntimeError("deep inside")
    await PlainTextResponse("hot")(scope, receive, send)


async def test_a_raw_route_is_met_behind_the_gate_and_telemetry_but_before_the_body_rules() -> None:
    """A failure in it is still a problem."""
    client = Setting(raw={"/v1/hot": hot}).client
    assert (await client.post("/v1/hot")).status_code == 401
    client.headers["authorization"] = "Bearer writer"
    answer = await client.post("/v1/hot", content=b"\x00" * 2_000_000)
    assert (answer.text, answer.headers["x-correlation-id"][:4]) == ("hot", "req_")
    failed = await client.post("/v1/hot", headers={"x-fail": "1"})
    assert (failed.status_code, failed.json()["code"]) == (500, "internal-error")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
        ).map(lambda value: repr(value).replace("'", '"').encode("utf-8", "surrogatepass")),
    ),
    key=st.text(alphabet=st.characters(max_codepoint=255, min_codepoint=32), max_size=10),
)
async def test_no_body_and_no_key_leads_to_a_failure_of_ours(body: bytes, key: str) -> None:
    """Whatever arrives is done or refused, never a 500."""
    answer = await Setting().client.post(
        "/v1/things/t1",
        content=body,
        headers={b"authorization": b"Bearer writer", b"idempotency-key": key.encode("latin-1")}
        | {b"content-type": b"application/json"},
    )
    assert answer.status_code in {201, 400}
    if answer.status_code == 400:
        assert answer.json()["code"] in {
            "body-not-json",
            "body-not-storable",
            "request-invalid",
            "idempotency-key-invalid",
        }


async def test_a_command_lies_in_the_trace_of_its_caller_and_hands_it_on() -> None:
    """The event carries the trace, so whatever follows from it joins; the problem of a refusal names it."""
    exporter = InMemorySpanExporter()
    stop = start_tracing("subscriptions", [SimpleSpanProcessor(exporter)])
    setting = Setting()
    setting.client.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    try:
        await setting.post()
        refused = await setting.post(key="k2", name="cursed")
    finally:
        stop()
    (record,) = await setting.store.read_stable(0, 10)
    first, _ = exporter.get_finished_spans()
    assert first.name == "POST /v1/things/{thing_id}"
    trace = "00-0af7651916cd43dd8448eb211c80319c"
    assert record.metadata.traceparent == f"{trace}-{format_span_id(first.context.span_id)}-01"
    assert refused.json()["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


async def test_an_answered_command_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With the route's template, never the body."""
    with caplog.at_level(logging.INFO, logger="shared.framework.http.telemetry"):
        await Setting().post(name="ada lovelace")
    (line,) = [record for record in caplog.records if record.name == "shared.framework.http.telemetry"]
    assert (line.message, vars(line)["route"]) == ("request handled", "/v1/things/{thing_id}")
    assert "lovelace" not in caplog.text
