"""What ingest tells: usage as it was accepted, and as it was refused."""

from datetime import datetime

import msgspec

from shared.framework.core.event import Event


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One CloudEvent of usage. `time` (UTC) decides its window; `data` is what the customer's machine said.

    `data` stays JSON text of one object, keys in order: a reader decodes its numbers exactly, or not at all.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: msgspec.Raw = msgspec.Raw(b"{}")


class UsageRecorded(Event, frozen=True, kw_only=True):
    """A batch of usage was accepted, each event for the first and only time."""

    wire_name = "ingest.usage.recorded.v1"
    compressed = True

    batch_id: str
    accepted_at: datetime
    events: tuple[UsageEvent, ...]
