"""POST /v1/events as raw ASGI: the road that every usage event takes, beside FastAPI and not through it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from services.ingest.acceptance.handlers import Submission
from services.ingest.acceptance.outcome import IngestResult
from services.ingest.acceptance.schemas import IngestResponseBody
from services.ingest.events.usage_event import ParsedEvent
from services.ingest.formats import FORMATS, parse_events
from shared.framework.http.authorization import Credential, credential_of, requires, wait_for_positions
from shared.framework.http.read_your_writes import POSITION_HEADER, PositionToken
from shared.framework.http.refusals import MethodIsNotAllowed
from shared.framework.http.request_body import read_body
from shared.framework.http.service_context import ServiceContext, service_context_of
from shared.framework.observability.logging import correlation_id
from shared.framework.observability.tracing import current_traceparent

BODY_BYTES_MAX = 5 * 1024 * 1024
EVENTS_PATH = "/v1/events"
SCOPE = "usage:write"

Submit = Callable[[Submission], Awaitable[IngestResult]]

_encode = msgspec.json.Encoder().encode


class EventsEndpoint:
    """Bounds, decodes and answers by itself; nothing is answered before it is committed."""

    def __init__(self, submit: Submit) -> None:
        """`submit` answers once the events are history."""
        self._submit = submit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what it refuses, and what fails, becomes a problem in the layers around."""
        response = await self.answer(scope, receive)
        await response(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """The answer once the events are history; raises the refusals of whoever says no."""
        if scope["method"] != "POST":
            raise MethodIsNotAllowed(scope["method"], ["POST"])
        request = HTTPConnection(scope)
        service, credential = service_context_of(request), credential_of(request)
        credential.require(SCOPE)
        headers = dict(scope["headers"])
        body = await read_body(scope, receive, BODY_BYTES_MAX)
        offers = parse_events(
            body, headers.get(b"content-type", b""), headers.get(b"content-encoding", b"identity")
        )
        await wait_for_positions(request)
        verdict = await self._submit(_submission(credential, service, offers, len(body)))
        return _response(verdict, service.store.context)


def _submission(
    credential: Credential, service: ServiceContext, offers: Sequence[ParsedEvent], size_bytes: int
) -> Submission:
    return Submission(
        tenant_id=credential.tenant_id,
        actor=credential.subject,
        correlation_id=correlation_id() or service.ids.new("req"),
        traceparent=current_traceparent(),
        offers=offers,
        size_bytes=size_bytes,
    )


def _response(verdict: IngestResult, context: str) -> Response:
    body = _encode({name: getattr(verdict, name) for name in IngestResponseBody.model_fields})
    mark = PositionToken(context, verdict.partition, verdict.position)
    return Response(body, 200, {POSITION_HEADER: str(mark)}, "application/json")


def documented(events: "EventsEndpoint") -> APIRouter:
    """The same route for OpenAPI; requests are answered by the raw route before they get here."""
    router = APIRouter(tags=["usage"])

    @router.post(
        EVENTS_PATH,
        dependencies=[requires(SCOPE)],
        response_model=IngestResponseBody,
        openapi_extra={"requestBody": {"required": True, "content": _content()}},
    )
    async def post_events(request: Request) -> Response:
        """Accept 1-1000 CloudEvents; respond after commit, with a result for each event not counted."""
        return await events.answer(request.scope, request.receive)

    return router


def _content() -> dict[str, Any]:
    return {one.media_type: {"schema": one.schema} for one in FORMATS.values()}
