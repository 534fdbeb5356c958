"""What ingest's REST routes answer."""

from shared.framework.http.field_types import ApiModel


class EventResultBody(ApiModel):
    """One event that was not counted, by its index in the request: duplicate, conflict or rejected."""

    index: int
    id: str | None
    status: str
    reason: str | None = None
    detail: str | None = None


class IngestResponseBody(ApiModel):
    """What became of a request's events; `results` has those that were not accepted."""

    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[EventResultBody]
