"""Tracing, from the request that caused an event to the row that shows it.

Between processes a trace travels as a W3C `traceparent` string: in HTTP and Kafka headers and in the metadata
of every event. Tracing is off until a composition root calls `start_tracing`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.framework.observability.names import TRACER

Attributes = Mapping[str, str | int | float | bool]
LINKS_MAX = 128

_HEADER = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer: trace.Tracer | None = None


def start_tracing(service: str, processors: Iterable[SpanProcessor]) -> Callable[[], None]:
    """Send the spans of this process to the processors; returns a function that flushes and stops."""
    global _tracer  # noqa: PLW0603 - one tracer for each process, as with logging
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    for processor in processors:
        provider.add_span_processor(processor)
    _tracer = provider.get_tracer(TRACER)

    def stop() -> None:
        global _tracer  # noqa: PLW0603
        _tracer = None
        provider.shutdown()

    return stop


def is_tracing() -> bool:
    """Whether spans are recorded; check it before computing costly attributes."""
    return _tracer is not None


@contextmanager
def span(
    name: str,
    *,
    parent_traceparent: str | None = None,
    links: Iterable[str | None] = (),
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Iterator[Span]:
    """A span for the length of the block; an exception sets its status to ERROR and is raised again.

    The parent is `parent_traceparent` if given (a span of another process), else the current span. `links`:
    traceparents of a batch with many causes; missing and malformed ones are ignored.
    """
    if _tracer is None:
        yield INVALID_SPAN
        return
    causes = [_context_of(link, Context()) for link in dict.fromkeys(links)]
    spans = [trace.get_current_span(cause).get_span_context() for cause in causes]
    with _tracer.start_as_current_span(
        name,
        _context_of(parent_traceparent, get_current()),
        kind=kind,
        attributes=attributes,
        links=[Link(cause) for cause in spans if cause.is_valid],
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def current_traceparent() -> str | None:
    """The traceparent of the current span; None if there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(_HEADER)


def _context_of(traceparent: str | None, otherwise: Context) -> Context:
    """The context of the span that a traceparent names; `otherwise` if there is none or it is malformed."""
    return otherwise if traceparent is None else _PROPAGATOR.extract({_HEADER: traceparent}, otherwise)


def current_trace_id() -> str | None:
    """The trace id (32 hex digits) of the current span, for logs and problems; None if there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def parent_and_links(traceparents: Iterable[str | None]) -> tuple[str | None, list[str]]:
    """Parent and links for the span of a batch, from the traceparents of its events.

    One traceparent that all traced events share becomes the parent; else the first `LINKS_MAX` become links.
    """
    if not is_tracing():
        return None, []
    causes = list(dict.fromkeys(cause for cause in traceparents if cause is not None))
    return (causes[0], []) if len(causes) == 1 else (None, causes[:LINKS_MAX])
