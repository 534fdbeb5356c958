"""What ingest offers over HTTP: usage in, and a list of what was not counted."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from services.ingest.acceptance.ports import DeduplicationStore, RejectedEventRow
from services.ingest.rejected_events.refusals import CursorIsUnreadable
from services.ingest.rejected_events.schemas import RejectedEvent, RejectedEventPage
from shared.framework.http.authorization import Caller, requires

PAGE_MAX = 500
_NUMBER_DIGITS_MAX = 18

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def rejected_events_router(log: DeduplicationStore) -> APIRouter:
    """The route that lists events that were not counted."""
    router = APIRouter(tags=["usage"])

    @router.get("/v1/events/rejected", dependencies=[requires("usage:read")])
    async def list_rejected(
        caller: Caller, limit: Limit = 100, cursor: str | None = None
    ) -> RejectedEventPage:
        """List the tenant's rejected and conflicting events, oldest first."""
        rows = await log.rejected(caller.tenant_id, _number_in(cursor), limit)
        last = str(rows[-1].number) if len(rows) == limit else None
        return RejectedEventPage(items=[_shown(row) for row in rows], next_cursor=last)

    return router


def _number_in(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _NUMBER_DIGITS_MAX):
        raise CursorIsUnreadable("not a whole number")
    return int(cursor)


def _shown(row: RejectedEventRow) -> RejectedEvent:
    event: dict[str, Any] = msgspec.structs.asdict(row.event)
    return RejectedEvent(number=row.number, batch_id=row.batch_id, rejected_at=row.rejected_at, **event)
