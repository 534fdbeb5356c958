"""The REST route that lists events that were not counted."""

from typing import Any

import msgspec
from fastapi import APIRouter

from services.ingest.acceptance.ports import DeduplicationStore, RejectedEventRow
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import ApiModel, Instant
from shared.framework.http.reads import Cursor, PageSize, position_in


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
        caller: Caller, limit: PageSize = 100, cursor: Cursor = None
    ) -> RejectedEventPage:
        """List the tenant's rejected and conflicting events, oldest first."""
        rows = await store.rejected(caller.tenant_id, position_in(cursor), limit)
        last = str(rows[-1].number) if len(rows) == limit else None
        return RejectedEventPage(items=[RejectedEvent.of_row(row) for row in rows], next_cursor=last)

    return router
