"""Events of meters."""

from datetime import datetime

from shared.framework.core.event import Event


class MeterDefined(Event, frozen=True, kw_only=True):
    """A meter was defined: usage events of one type are counted by one aggregation from now on."""

    wire_name = "metering.meter.defined.v1"

    meter_id: str
    key: str
    event_type: str
    aggregation: str
    value_path: str | None
    group_by: tuple[str, ...]
    filter: dict[str, tuple[str, ...]]
    defined_at: datetime
