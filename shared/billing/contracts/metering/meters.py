"""What metering tells: meters, running totals, and readings that a bill may stand on."""

from datetime import datetime

from shared.framework.core.event import Event


class MeterDefined(Event, frozen=True, kw_only=True):
    """Usage of one type is counted in one way from now on."""

    wire_name = "metering.meter.defined.v1"

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    defined_at: datetime
