"""The REST route that reads usage of a meter."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from services.metering.backfills.backfill import MeterBackfill
from services.metering.rollups.ports import RollupStore
from services.metering.usage_queries.query import UsageQuery, usage_buckets, validate
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.field_types import ApiModel, Identifier, Instant, PrintableId
from shared.framework.http.read_your_writes import PositionToken


class UsageBucketBody(ApiModel):
    """Usage of one group in one window [start, end); `value` is an exact decimal."""

    start: Instant
    end: Instant
    group: dict[str, str]
    value: str


class UsageResponse(ApiModel):
    """Usage by window, including all events up to `as_of_position`; empty windows are left out.

    `unreadable`: the number of events of the range and subject that the meter could not read: they are not in
    any value, and listed by `GET /v1/meters/{key}/unreadable`.
    """

    meter: str
    subject: str | None
    window: str
    as_of_position: str
    unreadable: int
    items: list[UsageBucketBody]


Window = Literal["hour", "day", "total"]
Dimension = Annotated[str, Query(max_length=256)]


def usage_router(backfill: MeterBackfill, rollups: RollupStore) -> APIRouter:
    """The route of usage."""
    router = APIRouter(prefix="/v1", tags=["usage"])

    @router.get("/usage", dependencies=[requires("usage:read")])
    async def get_usage(
        caller: Caller,
        meter: Identifier,
        start: Annotated[Instant, Query(alias="from")],
        end: Annotated[Instant, Query(alias="to")],
        subject: PrintableId | None = None,
        window: Window = "total",
        group_by: Annotated[list[Dimension], Query(max_length=8)] = [],  # noqa: B006 - FastAPI copies it
    ) -> UsageResponse:
        """Usage in [from, to) per UTC hour, per UTC day or in total, for one subject or all."""
        definition = await backfill.active_meter(caller.tenant_id, meter)
        query = UsageQuery(definition, caller.tenant_id, subject, start, end, window, tuple(group_by))
        validate(query)
        partition = backfill.partition_of(caller.tenant_id)
        async with rollups.snapshot() as snapshot:
            buckets = await usage_buckets(snapshot, query)
            unreadable = await snapshot.unreadable_count(definition.meter_id, subject, start, end)
            token = PositionToken("ingest", partition, await snapshot.position(partition))
        return UsageResponse(
            meter=meter,
            subject=subject,
            window=window,
            as_of_position=str(token),
            unreadable=unreadable,
            items=[
                UsageBucketBody(start=one.start, end=one.end, group=one.group, value=f"{one.value:f}")
                for one in buckets
            ],
        )

    return router
