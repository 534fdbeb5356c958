"""Around every request: one span, one correlation id, one count, and an answer even when all else failed."""

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
_CORRELATION = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_log = logging.getLogger(__name__)


class TelemetryMiddleware:
    """The outermost layer: whatever happens behind it is answered, measured and findable."""

    def __init__(self, app: ASGIApp, service: ServiceContext) -> None:
        """Watch over `app`."""
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through; an exception becomes a problem that says nothing of its cause."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        correlation = self._correlation(headers.get(CORRELATION_HEADER))
        began = self.service.clock.now()
        answer = ResponseRecorder(send, correlation)
        with logged_as(correlation=correlation), _span(scope, headers, correlation) as current:
            try:
                await self.app(scope, receive, answer)
            except Exception as error:  # the last line: nothing may leave the caller unanswered
                await _answer_failure(error, scope, receive, answer)
            self._account(scope, answer.status, began, current)

    def _correlation(self, given: bytes | None) -> str:
        """The caller's own id if it is well-formed, else a new one."""
        return given.decode() if given and _CORRELATION.fullmatch(given) else self.service.ids.new("req")

    def _account(self, scope: Scope, status: int, began: datetime, current: Span) -> None:
        seconds = (self.service.clock.now() - began).total_seconds()
        method, route = scope["method"], _route(scope)
        metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
        metrics.HTTP_SECONDS.labels(method, route).observe(seconds)
        if method != "GET" and RAW_ROUTE_SCOPE_KEY not in scope:
            said = {names.LABEL_METHOD: method, names.LABEL_ROUTE: route, names.LABEL_STATUS: status}
            _log.info("request handled", extra={**said, names.SECONDS: seconds})
        if current.is_recording():
            current.update_name(f"{method} {route}")
            current.set_attribute(names.ATTR_HTTP_METHOD, method)
            current.set_attribute(names.ATTR_HTTP_ROUTE, route)
            current.set_attribute(names.ATTR_HTTP_STATUS, status)


class ResponseRecorder:
    """Remembers the status that is sent, and adds the correlation id to the headers."""

    def __init__(self, send: Send, correlation: str) -> None:
        """Wrap a request's `send`."""
        self.send = send
        self.correlation = correlation.encode()
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass the message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message["headers"], (CORRELATION_HEADER, self.correlation)]}
        await self.send(message)


async def _answer_failure(error: Exception, scope: Scope, receive: Receive, answer: ResponseRecorder) -> None:
    if answer.status:
        raise error  # the answer had begun: all that is left is to break the connection
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
    await problem_response(refusal, scope["path"])(scope, receive, answer)


@contextmanager
def _span(scope: Scope, headers: dict[bytes, bytes], correlation: str) -> Iterator[Span]:
    """The request's span, child of the caller's; probes and documentation pages have none."""
    if is_open(scope["path"]):
        yield INVALID_SPAN
        return
    parent = headers.get(b"traceparent", b"").decode("latin-1") or None
    said = {names.ATTR_CORRELATION_ID: correlation}
    with span(scope["method"], parent_traceparent=parent, attributes=said, kind=SpanKind.SERVER) as current:
        yield current


def _route(scope: Scope) -> str:
    """The route's template, for a path may hold anything: `/v1/invoices/{id}/void`."""
    if RAW_ROUTE_SCOPE_KEY in scope:
        return str(scope["path"])
    return str(getattr(scope.get("route"), "path", "unknown"))
