"""Events of the meters that plans may name."""

from datetime import datetime

from shared.framework.core.event import Event


class MeterRegistered(Event, frozen=True, kw_only=True):
    """A meter that metering has defined was registered: plans may name it from now on.

    `has_event_values`: a price of single events may name it too.
    """

    wire_name = "subscriptions.meter.registered.v1"

    meter_id: str
    key: str
    group_by: tuple[str, ...]
    registered_at: datetime
    has_event_values: bool = True
