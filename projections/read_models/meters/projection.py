"""Meters, one row for each definition."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.metering.meters import MeterDefined


class MeterRow(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a meter; see MeterDefined."""

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    defined_at: datetime


def fold(_: MeterRow | None, event: MeterDefined, __: DecodedEvent) -> MeterRow:
    """The row of a definition."""
    return row_from(MeterRow, event)


METERS = ReadModel(
    name="meters",
    version=1,
    row=MeterRow,
    events=(MeterDefined,),
    targets=single_row("meter_id"),
    fold=fold,
    sorted_by=lambda row: row.defined_at,
    filters=("key",),
    source=StreamSource,
)
