"""The REST route that lists events that were not counted."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from services.ingest.acceptance.ports import DeduplicationStore, RejectedEventRow
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import ApiModel, Instant

PAGE_MAX = 500
_NUMBER_DIGITS_MAX = 18

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


class CursorIsUnreadable(Refusal):
    """The cursor is not the `next_cursor` of an earlier page."""

    code = "cursor-invalid"
    kind = RefusalKind.INVALID


class RejectedEvent(ApiModel):
    """An event that was rejected or is in conflict; `body` is its JSON (at most 16384 characters)."""

    number: int
    batch_id: str
    rejected_at: Instant
    reason: str
    detail: str
    id: str | None
    source: str | None
    body: str

    @classmethod
    def of_row(cls, row: RejectedEventRow) -> "RejectedEvent":
        """The body of a stored row."""
        event: dict[str, Any] = msgspec.structs.asdict(row.event)
        return cls(number=row.number, batch_id=row.batch_id, rejected_at=row.rejected_at, **event)


class RejectedEventPage(ApiModel):
    """A page of rejected events, oldest first; `next_cursor` is null on the last page."""

    items: list[RejectedEvent]
    next_cursor: str | None


def rejected_events_router(store: DeduplicationStore) -> APIRouter:
    """The route of rejected events."""
    router = APIRouter(tags=["usage"])

    @router.get("/v1/events/rejected", dependencies=[requires("usage:read")])
    async def list_rejected(
        caller: Caller, limit: Limit = 100, cursor: str | None = None
    ) -> RejectedEventPage:
        """List the tenant's rejected and conflicting events, oldest first."""
        rows = await store.rejected(caller.tenant_id, _number_in(cursor), limit)
        last = str(rows[-1].number) if len(rows) == limit else None
        return RejectedEventPage(items=[RejectedEvent.of_row(row) for row in rows], next_cursor=last)

    return router


def _number_in(cursor: str | None) -> int:
    """The number of the last row of the page before; 0 without a cursor. Raises CursorIsUnreadable."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _NUMBER_DIGITS_MAX):
        raise CursorIsUnreadable("not a whole number")
    return int(cursor)
