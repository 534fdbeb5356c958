"""Events of usage that was accepted."""

from datetime import datetime

import msgspec

from shared.framework.core.event import Event


class UsageEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One CloudEvent of usage. `time` (UTC) decides its window; `data` is what the sender measured.

    `data` stays the JSON text of one object, keys in order, so that readers can decode its numbers exactly.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: msgspec.Raw = msgspec.Raw(b"{}")


class UsageRecorded(Event, frozen=True, kw_only=True):
    """A batch of usage events was accepted; none of them was accepted before (billing rule 16)."""

    wire_name = "ingest.usage.recorded.v1"
    compressed = True

    batch_id: str
    accepted_at: datetime
    events: tuple[UsageEvent, ...]
