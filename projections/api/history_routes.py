"""GET /v1/history: the stored events of a stream or customer, for auditors and `tollhouse replay`."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from projections.api.schemas import HistoryPage
from projections.engine.event_archive import ArchiveCursor, EventArchive
from projections.engine.read_model import CustomerSource, Source, StreamSource
from projections.graphql.connections import format_cursor, parse_cursor
from projections.refusals import CursorIsUnreadable, HistoryIsForbidden, HistoryScopeIsMissing
from shared.billing.contracts import CONTEXTS
from shared.framework.eventstore.contracts import json_bytes
from shared.framework.eventstore.records import EventRecord
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import Instant

LIMIT_MAX = 1000

Id = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,256}$")]


def history_routes(archive: EventArchive) -> APIRouter:
    """The route, for the scope events:read."""
    router = APIRouter(tags=["history"], dependencies=[requires("events:read", customers=True)])

    @router.get(
        "/v1/history",
        summary="List the events of a stream or of a customer in order of occurrence",
        response_model=HistoryPage,
    )
    async def read(
        caller: Caller,
        stream_id: Id = None,
        customer_id: Id = None,
        as_of: Instant | None = None,
        after: Annotated[str | None, Query(max_length=256)] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> Response:
        """Events up to `as_of` on the tenant's clock; pass `next` as `after`, null on the last page."""
        source = history_scope(stream_id, customer_id)
        if caller.customer_id is not None and source != CustomerSource(caller.customer_id):
            raise HistoryIsForbidden
        start = _parse_cursor(after) if after else None
        records = await archive.page(caller.tenant_id, source, as_of, start, limit + 1)
        page = records[:limit]
        more = _cursor(page[-1]) if len(records) > limit else None
        body = msgspec.json.encode({"events": [event_payload(record) for record in page], "next": more})
        return Response(body, media_type="application/json")

    return router


def history_scope(stream_id: str | None, customer_id: str | None) -> Source:
    """The source that the parameters name; HistoryScopeIsMissing unless exactly one is given."""
    match stream_id, customer_id:
        case str(), None:
            return StreamSource(stream_id)
        case None, str():
            return CustomerSource(customer_id)
    raise HistoryScopeIsMissing


def event_payload(record: EventRecord) -> dict[str, Any]:
    """The JSON of HistoricEvent; `data` is the stored JSON unchanged, not the decoded event."""
    metadata = record.metadata
    return {
        "context": record.context,
        "position": record.position,
        "stream_id": record.stream_id,
        "version": record.version,
        "type": record.wire_name,
        "event_id": str(record.event_id),
        "occurred_at": metadata.occurred_at,
        "recorded_at": record.recorded_at,
        "actor": metadata.actor,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "test_clock": metadata.test_clock,
        "data": msgspec.Raw(json_bytes(record.wire_name, record.state)),
    }


def _cursor(record: EventRecord) -> str:
    return format_cursor((record.metadata.occurred_at, f"{record.context}:{record.position}"))


def _parse_cursor(cursor: str) -> ArchiveCursor:
    occurred_at, position_in_context = parse_cursor(cursor)
    context, _, position = position_in_context.rpartition(":")
    if context not in CONTEXTS or not (position.isascii() and position.isdigit() and len(position) < 19):
        raise CursorIsUnreadable(cursor)
    return ArchiveCursor(occurred_at, context, int(position))
