"""Usage events that a meter could not read: what its owner needs to find and mend them."""

from datetime import datetime

import msgspec

from services.metering.aggregations.unreadable import UnreadableReason


class UnreadableUse(msgspec.Struct, frozen=True):
    """One event that a meter could not read: its index in the batch, why, and the path of the value."""

    meter_id: str
    index: int
    reason: UnreadableReason
    path: str


class UnreadableEvent(msgspec.Struct, frozen=True):
    """An unreadable event as it is listed: number `index` of the batch at `position` of ingest's history."""

    meter_id: str
    position: int
    index: int
    source: str
    event_id: str
    subject: str
    time: datetime
    reason: str
    path: str
