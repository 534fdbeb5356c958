"""Events of usage totals: daily totals of meters."""

from datetime import datetime
from decimal import Decimal

import msgspec

from shared.framework.core.event import Event


class UsageWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The total of one meter for one subject and one combination of dimensions on one UTC day."""

    meter_key: str
    subject: str
    dimensions: dict[str, str]
    day: str
    value: Decimal


class UsageAggregated(Event, frozen=True, kw_only=True):
    """Daily totals have changed; each replaces the one that was published of the same window before."""

    wire_name = "metering.usage.aggregated.v1"
    compressed = True

    windows: tuple[UsageWindow, ...]
    aggregated_at: datetime
