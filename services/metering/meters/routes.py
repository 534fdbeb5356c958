"""REST routes of meters: define one, list them, read one with its count of unreadable events."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field, GetPydanticSchema, StringConstraints, WithJsonSchema
from pydantic_core.core_schema import literal_schema

from services.metering.aggregations import AGGREGATIONS
from services.metering.meters.decider import DefineMeter, meter_id_of
from services.metering.meters.handlers import define_meter, registered_meter
from services.metering.meters.ports import MeterRepository
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.usage_value import PATH_PATTERN, PATH_RULE, plain_path
from shared.framework.http.authorization import Caller, requires
from shared.framework.http.command_endpoint import CommandDep
from shared.framework.http.field_types import ApiModel, Identifier, Instant, PrintableId
from shared.framework.http.request_body import DecodedBodyRoute

GROUP_BY_MAX = 8
FILTER_TEXTS_MAX = 100
PATH_LENGTH_MAX = 256


def _plain(path: str) -> str:
    if (plain := plain_path(path)) is None:
        raise ValueError(f"must be {PATH_RULE}")
    return plain


Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=PATH_LENGTH_MAX),
    AfterValidator(_plain),
    WithJsonSchema({"type": "string", "maxLength": PATH_LENGTH_MAX, "pattern": PATH_PATTERN}),
]
AggregationName = Annotated[str, GetPydanticSchema(lambda *_: literal_schema([*AGGREGATIONS]))]
AllowedText = Annotated[str, StringConstraints(max_length=256)]


class NewMeter(ApiModel):
    """A meter to define: an event type and its aggregation. Paths are dotted paths in the event's `data`."""

    key: Identifier
    event_type: PrintableId
    aggregation: AggregationName
    value_path: Path | None = None
    group_by: Annotated[list[Path], Field(max_length=GROUP_BY_MAX, default_factory=list)]
    filter: Annotated[
        dict[Path, Annotated[list[AllowedText], Field(min_length=1, max_length=FILTER_TEXTS_MAX)]],
        Field(
            max_length=GROUP_BY_MAX,
            default_factory=dict,
            json_schema_extra={"additionalProperties": False},
        ),
    ]

    def command(self, *, now: datetime, meter_id: str) -> DefineMeter:
        """The command that defines this meter."""
        paths = {path: tuple(texts) for path, texts in self.filter.items()}
        fields = dict(self) | {"group_by": tuple(self.group_by), "filter": paths}
        return DefineMeter(MeterDefined(meter_id=meter_id, defined_at=now, **fields))


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


class MeterDetail(MeterResponse):
    """A meter with the number of events of its type that it could not read and does not count."""

    unreadable: int


class MeterList(ApiModel):
    """The tenant's meters by key."""

    items: list[MeterResponse]


def meters_router(meters: MeterRepository) -> APIRouter:
    """The routes of meters."""
    router = APIRouter(prefix="/v1/meters", tags=["meters"], route_class=DecodedBodyRoute)
    reads = [requires("meters:read")]

    @router.post("", status_code=201, response_model=MeterResponse, dependencies=[requires("meters:write")])
    async def post_meter(body: NewMeter, ctx: CommandDep) -> Response:
        """Define a meter; repeating the same definition returns it. It counts earlier events too."""
        command = body.command(now=ctx.now, meter_id=meter_id_of(ctx.tenant_id, body.key))
        return await ctx.execute(partial(define_meter, meters=meters), command, MeterResponse.of)

    @router.get("", dependencies=reads)
    async def list_meters(caller: Caller) -> MeterList:
        """The tenant's meters by key."""
        mine = [one.meter for one in (await meters.all()).values() if one.tenant_id == caller.tenant_id]
        return MeterList(items=[MeterResponse.of(meter) for meter in mine])

    @router.get("/{key}", dependencies=reads)
    async def get_meter(key: Identifier, caller: Caller) -> MeterDetail:
        """A meter, with the number of events that it could not read."""
        meter = (await registered_meter(meters, caller.tenant_id, key)).meter
        unreadable = await meters.unreadable_count(caller.tenant_id, meter.meter_id)
        return MeterDetail(**dict(MeterResponse.of(meter)), unreadable=unreadable)

    return router
