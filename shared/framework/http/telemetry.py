"""The outermost middleware: span, correlation id, metrics and log line of each request."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.framework.core.refusals import Refusal
from shared.framework.http.authorization import is_open
from shared.framework.http.problem import problem_response
from shared.framework.http.raw_routes import RAW_ROUTE_SCOPE_KEY
from shared.framework.http.refusals import InternalError, ProcessIsUnavailable
from shared.framework.http.service_context import ServiceContext
from shared.framework.observability import metrics, names
from shared.framework.observability.logging import logged_as
from shared.framework.observability.tracing import span

CORRELATION_HEADER = b"x-correlation-id"
POLLED = ("/feed", "/progress")
"""Paths, with what is below them, that services and tools read over and over: a span for each read would
fill the disk of an idle installation.
"""
_CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_log = logging.getLogger(__name__)


class TelemetryMiddleware:
    """Measures and logs each request, and answers exceptions of the layers inside."""

    def __init__(self, app: ASGIApp, service: ServiceContext) -> None:
        """`app`: the next layer."""
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the next layer; an exception becomes a problem without its cause."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        correlation = self._correlation(headers.get(CORRELATION_HEADER))
        started_at = self.service.clock.now()
        response = ResponseRecorder(send, correlation)
        with logged_as(correlation=correlation), _span(scope, headers, correlation) as current:
            try:
                await self.app(scope, receive, response)
            except Exception as error:  # every request gets a response
                await _answer_failure(error, scope, receive, response)
            self._record(scope, response.status, started_at, current)

    def _correlation(self, given: bytes | None) -> str:
        """The id in the header if it is valid, else a new one."""
        return given.decode() if given and _CORRELATION.fullmatch(given) else self.service.ids.new("req")

    def _record(self, scope: Scope, status: int, started_at: datetime, current: Span) -> None:
        seconds = (self.service.clock.now() - started_at).total_seconds()
        method, route = scope["method"], _route(scope)
        metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
        metrics.HTTP_SECONDS.labels(method, route).observe(seconds)
        if method != "GET" and RAW_ROUTE_SCOPE_KEY not in scope:
            labels = {names.LABEL_METHOD: method, names.LABEL_ROUTE: route, names.LABEL_STATUS: status}
            _log.info("request handled", extra={**labels, names.SECONDS: seconds})
        if current.is_recording():
            current.update_name(f"{method} {route}")
            current.set_attribute(names.ATTR_HTTP_METHOD, method)
            current.set_attribute(names.ATTR_HTTP_ROUTE, route)
            current.set_attribute(names.ATTR_HTTP_STATUS, status)


class ResponseRecorder:
    """Wraps `send`: records the status, and adds the correlation id to the headers."""

    def __init__(self, send: Send, correlation: str) -> None:
        """`send`: of the request."""
        self.send = send
        self.correlation = correlation.encode()
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], (CORRELATION_HEADER, self.correlation)]}
        await self.send(message)


async def _answer_failure(
    error: Exception, scope: Scope, receive: Receive, response: ResponseRecorder
) -> None:
    if response.status:
        raise error  # the response has begun: only breaking the connection is left
    refusal: Refusal
    match error:
        case Refusal():
            refusal = error
        case ConnectionError() | TimeoutError():
            _log.warning("a required server does not respond", exc_info=error)
            refusal = ProcessIsUnavailable(scope["path"])
        case _:
            _log.error("a request failed", exc_info=error)
            refusal = InternalError("it has been logged")
    await problem_response(refusal, scope["path"])(scope, receive, response)


@contextmanager
def _span(scope: Scope, headers: dict[bytes, bytes], correlation: str) -> Iterator[Span]:
    """The span of a request, a child of the client's; paths without credential and polled ones have none."""
    if is_open(scope["path"]) or _is_polled(scope["path"]):
        yield INVALID_SPAN
        return
    parent = headers.get(b"traceparent", b"").decode("latin-1") or None
    attributes = {names.ATTR_CORRELATION_ID: correlation}
    with span(
        scope["method"], parent_traceparent=parent, attributes=attributes, kind=SpanKind.SERVER
    ) as current:
        yield current


def _route(scope: Scope) -> str:
    """The template of the route, such as `/v1/invoices/{id}/void`: few values, unlike the path."""
    if RAW_ROUTE_SCOPE_KEY in scope:
        return str(scope["path"])
    return str(getattr(scope.get("route"), "path", "unknown"))


def _is_polled(path: str) -> bool:
    return any(path == polled or path.startswith(f"{polled}/") for polled in POLLED)
