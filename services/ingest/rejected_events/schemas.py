"""What ingest's REST routes answer."""

from shared.framework.http.field_types import ApiModel, Instant


class RejectedEvent(ApiModel):
    """One event that was offered and not counted; `body` is what it said (at most 16384 characters)."""

    number: int
    batch_id: str
    rejected_at: Instant
    reason: str
    detail: str
    id: str | None
    source: str | None
    body: str


class RejectedPage(ApiModel):
    """Oldest first; `next_cursor` is absent on the last page."""

    items: list[RejectedEvent]
    next_cursor: str | None
