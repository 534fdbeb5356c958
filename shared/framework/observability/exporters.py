"""Exporters of spans: a file of JSON lines, an OTLP collector, both or none."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id

from shared.framework.observability.redaction import redact_json


def span_processors(
    trace_file: Path | None, bytes_max: int, *, otlp_endpoint: str | None
) -> list[SpanProcessor]:
    """The argument of `start_tracing`; if empty, tracing should not be started.

    `trace_file`: TOLLHOUSE_TRACE_FILE, of at most `bytes_max`. `otlp_endpoint`: OTEL_EXPORTER_OTLP_ENDPOINT;
    the exporter itself reads the other OTEL_* variables.
    """
    exporters: list[SpanExporter] = []
    if trace_file is not None:
        exporters.append(JsonLinesExporter(trace_file, bytes_max))
    if otlp_endpoint is not None:
        exporters.append(_otlp_exporter())
    return [BatchSpanProcessor(exporter) for exporter in exporters]


def _otlp_exporter() -> SpanExporter:
    # Imported here: without a collector it is 17 ms of 500 ms of imports, and the memory of protobuf.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()


class JsonLinesExporter(SpanExporter):
    """Appends a line to a file for each finished span, to read traces without a collector.

    A file of `bytes_max` is renamed to `<name>.1`, in the place of the one before: there are two at most.
    """

    def __init__(self, path: Path, bytes_max: int) -> None:
        """Open the file to append. Raises OSError."""
        self._path = path
        self._bytes_max = bytes_max
        self._file = path.open("ab")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a batch and flush the file."""
        try:
            if self._file.tell() >= self._bytes_max:
                self._rotate()
            self._file.writelines(map(_line, spans))
            self._file.flush()
        except (OSError, ValueError):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("ab")


def _line(span: ReadableSpan) -> bytes:
    return json.dumps(redact_json(_as_fields(span))).encode() + b"\n"


def _as_fields(span: ReadableSpan) -> dict[str, Any]:
    started, ended = span.start_time or 0, span.end_time or 0
    context = span.get_span_context()
    return {
        "service": span.resource.attributes.get(SERVICE_NAME),
        "name": span.name,
        "trace_id": format_trace_id(context.trace_id) if context else None,
        "span_id": format_span_id(context.span_id) if context else None,
        "parent_span_id": format_span_id(span.parent.span_id) if span.parent else None,
        "kind": span.kind.name.lower(),
        "started_at": datetime.fromtimestamp(started / 1e9, UTC).isoformat(timespec="microseconds"),
        "seconds": (ended - started) / 1e9,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
        "links": [
            {
                "trace_id": format_trace_id(link.context.trace_id),
                "span_id": format_span_id(link.context.span_id),
            }
            for link in span.links
        ],
        "events": [{"name": event.name, **(event.attributes or {})} for event in span.events],
    }
