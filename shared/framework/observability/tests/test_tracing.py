import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, format_span_id, format_trace_id

from shared.framework.observability.exporters import JsonLinesExporter, span_processors
from shared.framework.observability.tracing import (
    current_trace_id,
    current_traceparent,
    is_tracing,
    span,
    start_tracing,
)

BYTES_MAX = 1_000_000
CAUSE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def spelt(context: SpanContext) -> str:
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    stop = start_tracing("ingest", [SimpleSpanProcessor(exporter)])
    yield exporter
    stop()


def test_without_anybody_listening_a_span_is_nothing() -> None:
    """Code may always say what it does; it costs almost nothing until somebody asks."""
    with span("work", parent_traceparent=CAUSE) as current:
        assert not current.is_recording()
        assert current_traceparent() is None
        assert current_trace_id() is None
    assert not is_tracing()


def test_a_cause_from_another_process_becomes_the_parent(spans: InMemorySpanExporter) -> None:
    """So POST, append, consumer and projection lie in one trace."""
    with span("consume", parent_traceparent=CAUSE, attributes={"n": 1}, kind=SpanKind.CONSUMER):
        carried = current_traceparent()
        assert current_trace_id() == CAUSE.split("-")[1]
    (done,) = spans.get_finished_spans()
    assert done.parent is not None
    assert spelt(done.parent) == CAUSE
    assert carried == spelt(done.context)
    assert dict(done.attributes or {}) == {"n": 1}


def test_a_span_lies_in_the_one_around_it(spans: InMemorySpanExporter) -> None:
    """Unless a cause is given."""
    with span("outer"), span("inner"):
        pass
    inner, outer = spans.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id


def test_a_batch_links_to_each_of_its_causes_once(spans: InMemorySpanExporter) -> None:
    """A thousand records of three requests are three links; what cannot be read is left out."""
    with span("project", links=[CAUSE, None, OTHER, CAUSE, "nonsense"]):
        pass
    (done,) = spans.get_finished_spans()
    assert [spelt(link.context) for link in done.links] == [CAUSE, OTHER]


def test_a_failure_marks_its_span_and_goes_on(spans: InMemorySpanExporter) -> None:
    """The span says which kind of error; the error stays the caller's."""
    with pytest.raises(ZeroDivisionError), span("divide"):
        _ = 1 / 0
    (done,) = spans.get_finished_spans()
    assert (done.status.status_code, done.status.description) == (StatusCode.ERROR, "ZeroDivisionError")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        CAUSE.upper(),
        CAUSE + "-more",
        CAUSE.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_a_malformed_traceparent_starts_a_new_trace(spans: InMemorySpanExporter, text: str | None) -> None:
    """As the W3C asks; a header is never a reason to fail."""
    with span("work", parent_traceparent=text, links=[text]):
        pass
    (done,) = spans.get_finished_spans()
    assert (done.parent, list(done.links)) == (None, [])


def test_a_future_version_of_the_header_is_read_by_its_first_parts(spans: InMemorySpanExporter) -> None:
    """The standard promises them to stay."""
    with span("work", parent_traceparent=CAUSE.replace("00-", "01-", 1) + "-future"):
        pass
    (done,) = spans.get_finished_spans()
    assert done.parent is not None
    assert spelt(done.parent) == CAUSE


def test_the_trace_file_has_one_line_per_span(tmp_path: Path) -> None:
    """Traces can be read with nothing but a text tool."""
    file = tmp_path / "ingest.jsonl"
    stop = start_tracing("ingest", [SimpleSpanProcessor(JsonLinesExporter(file, BYTES_MAX))])
    with span("outer", attributes={"url": "postgres://u:hunter2@db/x"}), span("inner", links=[CAUSE]):
        pass
    stop()
    inner, outer = map(json.loads, file.read_text().splitlines())
    assert (inner["service"], inner["name"], outer["name"]) == ("ingest", "inner", "outer")
    assert inner["parent_span_id"] == outer["span_id"]
    assert inner["trace_id"] == outer["trace_id"]
    assert inner["links"] == [{"trace_id": CAUSE.split("-")[1], "span_id": CAUSE.split("-")[2]}]
    assert outer["seconds"] >= inner["seconds"] >= 0
    assert "hunter2" not in file.read_text()


def test_spans_are_exported_only_where_somebody_said_so(tmp_path: Path) -> None:
    """No endpoint and no file: no thread, no buffer."""
    assert span_processors(None, BYTES_MAX, otlp_endpoint=None) == []
    processors = span_processors(tmp_path / "t.jsonl", BYTES_MAX, otlp_endpoint="http://127.0.0.1:4318")
    assert len(processors) == 2
    for processor in processors:
        processor.shutdown()


def test_a_trace_file_does_not_grow_beyond_its_limit(tmp_path: Path) -> None:
    """It grew for ever; now it and the one before it have the newest spans (issue 7, row 21)."""
    file = tmp_path / "ingest.jsonl"
    stop = start_tracing("ingest", [SimpleSpanProcessor(JsonLinesExporter(file, 2_000))])
    for number in range(100):
        with span(f"span-{number}"):
            pass
    stop()
    files = [file.with_name("ingest.jsonl.1"), file]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert all(path.stat().st_size < 3_000 for path in files)
    names = [json.loads(line)["name"] for path in files for line in path.read_text().splitlines()]
    assert names == [f"span-{number}" for number in range(100 - len(names), 100)]


@pytest.mark.parametrize(("share", "kept"), [("0", 0), ("1", 50)])
def test_the_standard_sampler_settings_hold(
    share: str, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_TRACES_SAMPLER_ARG is the share of traces that are kept, each whole or not at all."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    file = tmp_path / "ingest.jsonl"
    stop = start_tracing("ingest", [SimpleSpanProcessor(JsonLinesExporter(file, BYTES_MAX))])
    for _ in range(50):
        with span("outer"):
            pass
    stop()
    assert len(file.read_text().splitlines()) == kept
