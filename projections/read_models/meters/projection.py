"""Meters, as defined."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, own_stream, single_row
from shared.billing.contracts.metering.meters import MeterDefined


class MeterRow(msgspec.Struct, frozen=True, kw_only=True):
    """How usage of one type is counted: see MeterDefined."""

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    defined_at: datetime


def fold(_: MeterRow | None, event: MeterDefined, __: DecodedEvent) -> MeterRow:
    """The row says what was defined."""
    return MeterRow(
        meter_id=event.meter_id,
        key=event.key,
        event_type=event.event_type,
        aggregation=event.aggregation,
        value_path=event.value_path,
        group_by=event.group_by,
        filter=event.filter,
        defined_at=event.defined_at,
    )


METERS = ReadModel(
    name="meters",
    version=1,
    row=MeterRow,
    events=(MeterDefined,),
    targets=single_row("meter_id"),
    fold=fold,
    sorted_by=lambda row: row.defined_at,
    filters=("key",),
    source=own_stream,
)
