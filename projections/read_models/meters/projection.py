"""Meters, one row for each definition, with the number of events that the meter could not read."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.metering.meters import MeterDefined, UnreadableUsageFound
from shared.framework.core.refusals import ImpossibleHistory


class MeterRow(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a meter; see MeterDefined. `unreadable_count` is the newest published one."""

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    defined_at: datetime
    unreadable_count: int = 0


def fold(row: MeterRow | None, event: MeterDefined | UnreadableUsageFound, _: DecodedEvent) -> MeterRow:
    """The row of a definition, then its number of unreadable events."""
    match event:
        case MeterDefined():
            return row_from(MeterRow, event)
        case UnreadableUsageFound() if row is not None:
            return msgspec.structs.replace(row, unreadable_count=event.unreadable_count)
    raise ImpossibleHistory(row, event)


METERS = ReadModel(
    name="meters",
    version=2,
    row=MeterRow,
    events=(MeterDefined, UnreadableUsageFound),
    targets=single_row("meter_id"),
    fold=fold,
    sorted_by=lambda row: row.defined_at,
    filters=("key",),
    source=StreamSource,
)
