"""What metering's REST routes take and answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from services.metering.meters.handlers import define_meter, meter_of
from services.metering.meters.ports import MeterRepository
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier, Instant, ShortText
from shared.framework.http.request_body import DecodedBodyRoute

GROUP_BY_MAX = 8
FILTER_TEXTS_MAX = 100

Path = Annotated[str, StringConstraints(min_length=1, max_length=256)]
AllowedText = Annotated[str, StringConstraints(max_length=256)]


class NewMeter(ApiModel):
    """A meter to define: an event type and its aggregation. Paths are dotted paths in the event's `data`."""

    key: Identifier
    event_type: ShortText
    aggregation: Literal["count", "sum", "unique_count"]
    value_path: Path | None = None
    group_by: Annotated[list[Path], Field(max_length=GROUP_BY_MAX, default_factory=list)]
    filter: Annotated[
        dict[Path, Annotated[list[AllowedText], Field(min_length=1, max_length=FILTER_TEXTS_MAX)]],
        Field(max_length=GROUP_BY_MAX, default_factory=dict),
    ]


class MeterResponse(ApiModel):
    """A meter's definition."""

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: list[str]
    filter: dict[str, list[str]]
    defined_at: Instant

    @classmethod
    def of(cls, meter: MeterDefined) -> "MeterResponse":
        """Show it."""
        return cls.model_validate(_shown(meter))


class MeterDetail(MeterResponse):
    """A meter with the number of events of its type that it could not read and does not count."""

    unreadable: int

    @classmethod
    def with_unreadable(cls, meter: MeterDefined, unreadable: int) -> "MeterDetail":
        """Show it with its count."""
        return cls.model_validate({**_shown(meter), "unreadable": unreadable})


class MeterList(ApiModel):
    """The tenant's meters by key."""

    items: list[MeterResponse]


def _shown(meter: MeterDefined) -> dict[str, object]:
    return {
        "meter_id": meter.meter_id,
        "key": meter.key,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation,
        "value_path": meter.value_path,
        "group_by": list(meter.group_by),
        "filter": {path: list(texts) for path, texts in meter.filter.items()},
        "defined_at": meter.defined_at,
    }


def meters_router(book: MeterRepository) -> APIRouter:
    """Defining and looking at meters."""
    router = APIRouter(prefix="/v1/meters", tags=["meters"], route_class=DecodedBodyRoute)
    reads = [requires("meters:read")]

    @router.post("", status_code=201, response_model=MeterResponse, dependencies=[requires("meters:write")])
    async def post_meter(body: NewMeter, desk: CommandDep) -> Response:
        """Define a meter; repeating the same definition returns it. It counts earlier events too."""
        return await desk.execute(
            lambda session: define_meter(
                session,
                book,
                key=body.key,
                event_type=body.event_type,
                aggregation=body.aggregation,
                value_path=body.value_path,
                group_by=tuple(body.group_by),
                filter={path: tuple(texts) for path, texts in body.filter.items()},
            ),
            MeterResponse.of,
        )

    @router.get("", dependencies=reads)
    async def list_meters(caller: Caller) -> MeterList:
        """The tenant's meters by key."""
        return MeterList(items=[MeterResponse.of(meter) for meter in await book.of_tenant(caller.tenant_id)])

    @router.get("/{key}", dependencies=reads)
    async def get_meter(key: Identifier, caller: Caller) -> MeterDetail:
        """A meter, with the number of events that it could not read."""
        meter = await meter_of(book, caller.tenant_id, key)
        unreadable = await book.unreadable_count(caller.tenant_id, meter.meter_id)
        return MeterDetail.with_unreadable(meter, unreadable)

    return router
