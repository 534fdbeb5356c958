"""GET /v1/history: the stored events of a stream or customer, for auditors and `tollhouse replay`."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from projections.api.schemas import HistoryPage
from projections.engine.bookmarks import Bookmark, Pass, format_cursor, parse_cursor, passes
from projections.engine.event_archive import ArchiveCursor, ArchivePage, ArchiveQuery, EventArchive
from projections.engine.freshness import Arrivals, FreshnessStore
from projections.engine.read_model import Arrived, CustomerSource, SortKey, Source, StreamSource
from projections.refusals import CursorIsUnreadable, HistoryIsForbidden, HistoryScopeIsMissing
from shared.billing.contracts import CONTEXTS
from shared.framework.eventstore.contracts import json_bytes
from shared.framework.eventstore.records import EventRecord
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import Instant

LIMIT_MAX = 1000

Id = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,256}$")]


def history_routes(archive: EventArchive, freshness: FreshnessStore) -> APIRouter:
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
        arrivals = await freshness.arrivals()
        mark = _parse_cursor(after, arrivals) if after else None

        page, more = await _read_on(
            partial(archive.page, caller.tenant_id),
            partial(ArchiveQuery, source, as_of),
            passes(mark, arrivals.last),
            limit,
        )
        body = {
            "events": [event_payload(record) for record, _ in page],
            "next": _cursor(*page[-1], arrivals) if more else None,
        }
        return Response(msgspec.json.encode(body), media_type="application/json")

    return router


async def _read_on(
    read: Callable[[ArchiveQuery], Awaitable[ArchivePage]],
    query: Callable[[Arrived, ArchiveCursor | None, int], ArchiveQuery],
    unread: Sequence[Pass],
    limit: int,
) -> tuple[list[tuple[EventRecord, Arrived]], bool]:
    """At most `limit` records of these passes, each with its pass, and whether there may be more."""
    found: list[tuple[EventRecord, Arrived]] = []
    for number, (arrived, beyond) in enumerate(unread, start=1):
        start = ArchiveCursor(beyond.sort_at, beyond.id, beyond.position) if beyond else None
        page = await read(query(arrived, start, limit - len(found)))
        found += [(record, arrived) for record in page.records]
        if page.more or len(found) == limit:
            return found, page.more or number < len(unread)
    return found, False


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


def _cursor(record: EventRecord, arrived: Arrived, arrivals: Arrivals) -> str:
    key = SortKey(record.metadata.occurred_at, record.position, record.context)
    return format_cursor(Bookmark(arrived, key), arrivals)


def _parse_cursor(cursor: str, arrivals: Arrivals) -> Bookmark:
    mark = parse_cursor(cursor, arrivals)
    if mark.key.id not in CONTEXTS:
        raise CursorIsUnreadable(cursor)
    return mark
