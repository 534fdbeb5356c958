"""Response bodies in OpenAPI; the types of GraphQL are in schema.graphql."""

from typing import Annotated, Any

from pydantic import Field

from shared.framework.http.field_types import ApiModel, Instant, NonNegativeInt


class FreshnessBody(ApiModel):
    """The position up to which a partition is included, and the tenant's newest `occurred_at` in it."""

    context: str
    partition: NonNegativeInt
    position: Annotated[str, Field(pattern=r"^[0-9]+$")]
    occurred_at: Annotated[Instant | None, Field(alias="occurredAt")]


class GraphQLErrorBody(ApiModel):
    """An error; `extensions.code` is a refusal's code or internal-error, absent for a faulty query."""

    message: str
    locations: list[dict[str, int]] | None = None
    path: list[str | int] | None = None
    extensions: dict[str, Any] | None = None


class ResponseExtensions(ApiModel):
    """Metadata of a response."""

    freshness: list[FreshnessBody]


class GraphQLResponse(ApiModel):
    """A GraphQL over HTTP response: data, errors or both."""

    data: dict[str, Any] | None
    errors: Annotated[list[GraphQLErrorBody], Field(min_length=1)] | None = None
    extensions: ResponseExtensions


class HistoricEvent(ApiModel):
    """An event with its position and metadata; `data` is the stored JSON."""

    context: str
    position: NonNegativeInt
    stream_id: str
    version: NonNegativeInt
    type: str
    event_id: str
    occurred_at: Instant
    recorded_at: Instant
    actor: str
    correlation_id: str
    causation_id: str | None
    test_clock: bool
    data: dict[str, Any]


class HistoryPage(ApiModel):
    """A page of events in order of occurrence; pass `next` as `after`, null on the last page."""

    events: list[HistoricEvent]
    next: str | None
