"""What ingest's REST routes answer."""

from shared.framework.http.field_types import ApiModel, Instant


class RejectedEvent(ApiModel):
    """An event that was rejected or is in conflict; `body` is its JSON (at most 16384 characters)."""

    number: int
    batch_id: str
    rejected_at: Instant
    reason: str
    detail: str
    id: str | None
    source: str | None
    body: str


class RejectedEventPage(ApiModel):
    """A page of rejected events, oldest first; `next_cursor` is null on the last page."""

    items: list[RejectedEvent]
    next_cursor: str | None
