"""POST /v1/events, the route of every usage event: raw ASGI for speed, and the same route for OpenAPI."""

from collections.abc import Awaitable, Callable

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from services.ingest.acceptance.handlers import Submission
from services.ingest.acceptance.outcome import IngestResult
from services.ingest.formats import FORMATS, parse_events
from shared.framework.eventstore.ports import TestClockIsAdvancing
from shared.framework.http.authorization import credential_of, requires, wait_for_positions
from shared.framework.http.field_types import ApiModel
from shared.framework.http.read_your_writes import POSITION_HEADER, WAIT_MAX_S, ClockWaiter, PositionToken
from shared.framework.http.refusals import MethodIsNotAllowed
from shared.framework.http.request_body import read_body
from shared.framework.http.service_context import service_context_of
from shared.framework.observability.logging import correlation_id
from shared.framework.observability.tracing import current_traceparent

BODY_BYTES_MAX = 5 * 1024 * 1024
EVENTS_PATH = "/v1/events"
SCOPE = "usage:write"

Submit = Callable[[Submission], Awaitable[IngestResult]]

_encode = msgspec.json.Encoder().encode


class EventResultBody(ApiModel):
    """An event that was not counted: its index in the request, `status` duplicate, conflict or rejected."""

    index: int
    id: str | None
    status: str
    reason: str | None = None
    detail: str | None = None


class IngestResponseBody(ApiModel):
    """Counts of a request's events by result; `results` lists the events that were not accepted.

    `uncounted`: accepted events of types that no meter counts yet, as far as ingest knows; `uncounted_types`:
    those types, at most 100. A meter that is defined later counts them too.
    """

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[EventResultBody]
    uncounted: int
    uncounted_types: list[str]


class EventsEndpoint:
    """The ASGI application of the route: it bounds, decodes and authorises by itself."""

    def __init__(self, submit: Submit) -> None:
        """`submit` returns after the commit."""
        self._submit = submit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; the surrounding layers make a problem of what it raises."""
        response = await self.response(scope, receive)
        await response(scope, receive, send)

    async def response(self, scope: Scope, receive: Receive) -> Response:
        """The response, after the commit. Raises the refusals of every layer below."""
        if scope["method"] != "POST":
            raise MethodIsNotAllowed(scope["method"], ["POST"])
        request = HTTPConnection(scope)
        service, credential = service_context_of(request), credential_of(request)
        credential.require(SCOPE)
        headers = dict(scope["headers"])
        body = await read_body(scope, receive, BODY_BYTES_MAX)
        events = parse_events(body, headers.get(b"content-type", b""))
        await wait_for_positions(request)
        submission = Submission(
            tenant_id=credential.tenant_id,
            actor=credential.subject,
            correlation_id=correlation_id() or service.ids.new("req"),
            traceparent=current_traceparent(),
            events=events,
            size_bytes=len(body),
        )
        return _response(await self._accepted(submission, service.clock_waiter), service.store.context)

    async def _accepted(self, submission: Submission, clock: ClockWaiter) -> IngestResult:
        """Submit, after the end of an advance of the tenant's test clock.

        Raises TestClockIsAdvancing if that takes longer than WAIT_MAX_S.
        """
        while True:
            try:
                return await self._submit(submission)
            except TestClockIsAdvancing:
                # Of this tenant, or of another in the same transaction: then there is nothing to wait for.
                await clock.wait(submission.tenant_id, WAIT_MAX_S)


def _response(result: IngestResult, context: str) -> Response:
    body = _encode({name: getattr(result, name) for name in IngestResponseBody.model_fields})
    token = PositionToken(context, result.partition, result.position)
    return Response(body, 200, {POSITION_HEADER: str(token)}, "application/json")


def documented(endpoint: EventsEndpoint) -> APIRouter:
    """The same route for OpenAPI; requests get a response from the raw route before they reach it."""
    router = APIRouter(tags=["usage"])
    content = {one.media_type: {"schema": one.schema} for one in FORMATS.values()}

    @router.post(
        EVENTS_PATH,
        dependencies=[requires(SCOPE)],
        response_model=IngestResponseBody,
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )
    async def post_events(request: Request) -> Response:
        """Accept 1-1000 CloudEvents; respond after commit, with a result for each event not counted."""
        return await endpoint.response(request.scope, request.receive)

    return router
