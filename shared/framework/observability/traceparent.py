"""The W3C trace context header, version 00, as text."""

import re

from opentelemetry.trace import SpanContext, TraceFlags, format_span_id, format_trace_id

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


def read_traceparent(text: str | None) -> SpanContext | None:
    """The span that it names; None for none, and for anything malformed (the standard says: start anew)."""
    match = None if text is None else _TRACEPARENT.fullmatch(text)
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    context = SpanContext(int(match[2], 16), int(match[3], 16), True, TraceFlags(int(match[4], 16) & 1))
    return context if context.is_valid else None


def format_traceparent(context: SpanContext) -> str:
    """`00-<trace>-<span>-<flags>`."""
    return (
        f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"
    )
