"""What the read side answers over HTTP, for OpenAPI; GraphQL's own types are in schema.graphql."""

from typing import Annotated, Any

from pydantic import Field

from shared.framework.http.field_types import ApiModel, Instant, NonNegativeInt


class FreshnessBody(ApiModel):
    """As of which position of a partition an answer is, and the newest moment of the tenant in it."""

    context: str
    partition: NonNegativeInt
    position: Annotated[str, Field(pattern=r"^[0-9]+$")]
    occurred_at: Annotated[Instant | None, Field(alias="occurredAt")]


class GraphQLErrorBody(ApiModel):
    """A fault of the query, or a refusal: then `extensions` has its code."""

    message: str
    locations: list[dict[str, int]] | None = None
    path: list[str | int] | None = None
    extensions: dict[str, Any] | None = None


class Extensions(ApiModel):
    """What an answer says of itself."""

    freshness: list[FreshnessBody]


class GraphQLAnswer(ApiModel):
    """GraphQL over HTTP: data, errors or both."""

    data: dict[str, Any] | None
    errors: Annotated[list[GraphQLErrorBody], Field(min_length=1)] | None = None
    extensions: Extensions


class HistoricEvent(ApiModel):
    """An event with its place and its reasons; `data` is the stored JSON itself."""

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
    """Events in the order of their moments; `next` goes into `after`, null at the end."""

    events: list[HistoricEvent]
    next: str | None
