"""The REST route that lists the events that a meter could not read."""

import re

from fastapi import APIRouter

from services.metering.backfills.backfill import MeterBackfill
from services.metering.rollups.unreadable_usage import UnreadableEvent
from services.metering.unreadable_usage.ports import EventIndex, UnreadableUsage
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import ApiModel, Identifier, Instant
from shared.framework.http.read_your_writes import PositionToken
from shared.framework.http.reads import Cursor, CursorIsUnreadable, PageSize

_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})", re.ASCII)


class UnreadableEventBody(ApiModel):
    """An event that the meter could not read; `path` is where its value is missing or wrong.

    `reason`: value-missing, not-a-number, out-of-bounds, not-scalar, group-not-scalar, group-text-too-long.
    `position`: the token of the write that accepted it.
    """

    source: str
    id: str
    subject: str
    time: Instant
    reason: str
    path: str
    position: str


class UnreadableEventPage(ApiModel):
    """A page of unreadable events in the order of acceptance; `next_cursor` is null on the last page."""

    items: list[UnreadableEventBody]
    next_cursor: str | None


def unreadable_usage_router(backfill: MeterBackfill, unreadable: UnreadableUsage) -> APIRouter:
    """The route of unreadable usage."""
    router = APIRouter(tags=["meters"])

    @router.get("/v1/meters/{key}/unreadable", dependencies=[requires("usage:read")])
    async def list_unreadable(
        key: Identifier, caller: Caller, limit: PageSize = 100, cursor: Cursor = None
    ) -> UnreadableEventPage:
        """List the events of the meter's type that it could not read and does not count, oldest first."""
        after = _cursor_in(cursor)
        meter = await backfill.active_meter(caller.tenant_id, key)
        partition = backfill.partition_of(caller.tenant_id)
        events = await unreadable.page(meter.meter_id, after, limit)
        last = f"{events[-1].position}.{events[-1].index}" if len(events) == limit else None
        return UnreadableEventPage(items=[_body(one, partition) for one in events], next_cursor=last)

    return router


def _body(event: UnreadableEvent, partition: int) -> UnreadableEventBody:
    return UnreadableEventBody(
        source=event.source,
        id=event.event_id,
        subject=event.subject,
        time=event.time,
        reason=event.reason,
        path=event.path,
        position=str(PositionToken("ingest", partition, event.position)),
    )


def _cursor_in(cursor: str | None) -> EventIndex:
    """The last event of the page before; before all without a cursor. Raises CursorIsUnreadable."""
    if cursor is None:
        return (0, -1)
    if (match := _CURSOR.fullmatch(cursor)) is None:
        raise CursorIsUnreadable("not of a list of unreadable events")
    return (int(match[1]), int(match[2]))
