"""What ingest offers over HTTP: usage in, and a list of what was not counted."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.ingest.acceptance.ports import RejectedRow, UsageLog
from services.ingest.acceptance.routes import EVENTS_PATH, SCOPE, EventsRoute
from services.ingest.acceptance.schemas import EventsAnswer
from services.ingest.events.usage_event import CloudEvent
from services.ingest.formats.cloudevents_json import EVENTS_MAX
from services.ingest.rejected_events.refusals import CursorIsUnreadable
from services.ingest.rejected_events.schemas import RejectedEvent, RejectedPage
from shared.framework.http.authorization import TheCaller, requires

PAGE_MAX = 500
_NUMBER_DIGITS_MAX = 18

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def usage_router(events: EventsRoute, log: UsageLog) -> APIRouter:
    """Both routes; the first is normally met by the raw road beside, and is here for the documentation."""
    router = APIRouter(tags=["usage"])

    @router.post(
        EVENTS_PATH,
        dependencies=[requires(SCOPE)],
        response_model=EventsAnswer,
        openapi_extra={"requestBody": _request_body()},
    )
    async def post_events(request: Request) -> Response:
        """Take in 1-1000 CloudEvents; answered once they are history, with a result for each not counted."""
        return await events.answer(request.scope, request.receive)

    @router.get("/v1/events/rejected", dependencies=[requires("usage:read")])
    async def list_rejected(caller: TheCaller, limit: Limit = 100, cursor: str | None = None) -> RejectedPage:
        """Rejected and contradicting events of the tenant, oldest first."""
        rows = await log.rejected(caller.tenant_id, _number_in(cursor), limit)
        last = str(rows[-1].number) if len(rows) == limit else None
        return RejectedPage(items=[_shown(row) for row in rows], next_cursor=last)

    return router


def _request_body() -> dict[str, Any]:
    (event,), shapes = msgspec.json.schema_components([CloudEvent])
    single = shapes["CloudEvent"] if "$ref" in event else event
    batch = {"type": "array", "items": single, "minItems": 1, "maxItems": EVENTS_MAX}
    forms = {"cloudevents+json": single, "cloudevents-batch+json": batch, "json": {"oneOf": [single, batch]}}
    return {
        "required": True,
        "content": {f"application/{form}": {"schema": schema} for form, schema in forms.items()},
    }


def _number_in(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _NUMBER_DIGITS_MAX):
        raise CursorIsUnreadable("it is a number")
    return int(cursor)


def _shown(row: RejectedRow) -> RejectedEvent:
    event = row.event
    return RejectedEvent(
        number=row.number,
        batch_id=row.batch_id,
        rejected_at=row.rejected_at,
        reason=event.reason,
        detail=event.detail,
        id=event.id,
        source=event.source,
        body=event.body,
    )
