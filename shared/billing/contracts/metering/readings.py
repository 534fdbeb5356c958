"""Events of readings: the quantities of a closed period, by which it is billed."""

from datetime import datetime
from decimal import Decimal

import msgspec

from shared.billing.period import Period
from shared.framework.core.event import Event


class MeterQuantity(msgspec.Struct, frozen=True, kw_only=True):
    """The quantity of one meter over a reading's period, for one combination of dimensions.

    `detail` is the UsageDetail that `parts` are of: the quantity of each hour, day or month that has usage,
    or the value of each event, in order of time, then of value. `parts_missing` says why there are none,
    although the price needs them: such a quantity cannot be billed.
    """

    meter_key: str
    dimensions: dict[str, str]
    quantity: Decimal
    detail: str = "total"
    parts: tuple[Decimal, ...] = ()
    parts_missing: str | None = None


class UsageReadingTaken(Event, frozen=True, kw_only=True):
    """The usage of a closed period was read, once and complete.

    It counts events with a time inside `period` that were accepted at or before `cutoff_position` of
    `cutoff_partition` of the usage topic; nothing accepted by then is missing (billing rule 11), except what
    a meter could not read: `unreadable_counts` by meter key, without zeros.
    `attempt` counts the readings of the period; a second one is taken when a failed billing run is retried.
    """

    wire_name = "metering.reading.taken.v1"

    reading_id: str
    subscription_id: str
    customer_id: str
    subject: str
    period: Period
    quantities: tuple[MeterQuantity, ...]
    cutoff_partition: int
    cutoff_position: int
    taken_at: datetime
    attempt: int = 1
    unreadable_counts: dict[str, int] = msgspec.field(default_factory=dict)
