"""What ingest's REST routes answer."""

from shared.framework.http.field_types import ApiModel


class EventResultBody(ApiModel):
    """An event that was not counted: its index in the request, `status` duplicate, conflict or rejected."""

    index: int
    id: str | None
    status: str
    reason: str | None = None
    detail: str | None = None


class IngestResponseBody(ApiModel):
    """Counts of a request's events by result; `results` lists the events that were not accepted."""

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[EventResultBody]
