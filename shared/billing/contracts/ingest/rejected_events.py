"""What ingest tells: usage as it was accepted, and as it was refused."""

from datetime import datetime

import msgspec

from shared.framework.core.event import Event


class RejectedUsage(msgspec.Struct, frozen=True, kw_only=True):
    """One event that was not accepted: why (a stable code), what it said, and its identity if it had one."""

    reason: str
    detail: str
    id: str | None = None
    source: str | None = None
    body: str = ""


class UsageRejected(Event, frozen=True, kw_only=True):
    """Events of one request were refused (malformed) or conflict with an accepted event of the same id."""

    wire_name = "ingest.usage.rejected.v1"
    compressed = True

    batch_id: str
    rejected_at: datetime
    events: tuple[RejectedUsage, ...]
