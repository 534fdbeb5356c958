"""Events of usage that was not accepted."""

from datetime import datetime

import msgspec

from shared.framework.core.event import Event


class RejectedUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One event that was not accepted: a stable code, a detail, its `id` and `source` if any, its text."""

    reason: str
    detail: str
    id: str | None = None
    source: str | None = None
    body: str = ""


class UsageRejected(Event, frozen=True, kw_only=True):
    """Events of one request were malformed, or conflict with an accepted event of the same id."""

    wire_name = "ingest.usage.rejected.v1"
    compressed = True

    batch_id: str
    rejected_at: datetime
    events: tuple[RejectedUsage, ...]
