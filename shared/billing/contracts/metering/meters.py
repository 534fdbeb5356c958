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

    @property
    def has_event_values(self) -> bool:
        """Whether the value of a single event can be priced: not where values are only told apart."""
        return self.aggregation != "unique_count"


class UnreadableUsageFound(Event, frozen=True, kw_only=True):
    """A meter could not read usage events of its type and does not count them: their number so far.

    `reason` and the fields after it tell of the newest one. It is an alert, published now and then, and not
    once for each event; metering lists all of them.
    """

    wire_name = "metering.unreadable-usage.found.v1"

    meter_id: str
    meter_key: str
    unreadable_count: int
    reason: str
    path: str
    source: str
    event_id: str
    subject: str
    time: datetime
    found_at: datetime
