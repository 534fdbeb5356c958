"""The GraphQL schema, merged from the root fields of the read models."""

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module

import strawberry
from graphql import GraphQLError
from strawberry.extensions import DisableIntrospection, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from projections.engine.freshness import PartitionFreshness
from projections.graphql.fields import Info
from projections.graphql.query_limits import cost_limits, token_limit
from projections.graphql.row_types import SCALARS, field_value
from projections.register import READ_MODELS


@strawberry.type(description="The position up to which one partition of a context has been processed.")
class Freshness:
    """Of PartitionFreshness."""

    context: str
    partition: int
    position: str = strawberry.field(
        description="The last processed position as a decimal string; it may exceed 32 bits."
    )
    occurred_at: datetime | None = strawberry.field(
        description="When this tenant's newest event occurred, on its clock; null: no event yet."
    )


@strawberry.type
class FreshnessQueries:
    """Root fields about the response itself."""

    @strawberry.field(
        description="The positions that this response includes; also in `extensions`.",
        graphql_type=list[Freshness],
    )
    async def freshness(self, info: Info) -> Sequence[PartitionFreshness]:
        """One for each partition."""
        return await info.context.freshness()


class Schema(strawberry.Schema):
    """Strawberry's schema; errors are logged by the endpoint, which separates refusals from defects."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Do nothing; Strawberry would log every error."""


def build_schema(*, introspection: bool = True) -> Schema:
    """The schema with its limits, and with caches of parsed and validated queries."""
    extensions = [token_limit, cost_limits, ParserCache, ValidationCache]
    if not introspection:
        extensions.append(DisableIntrospection)
    config = StrawberryConfig(
        scalar_map=SCALARS, default_resolver=field_value, disable_field_suggestions=True
    )
    query = merge_types("Query", (*_root_fields(), FreshnessQueries))
    return Schema(query=query, extensions=extensions, config=config)


def _root_fields() -> list[type]:
    return [
        getattr(import_module(f"projections.read_models.{model.name}.graphql"), queries)
        for model, queries in READ_MODELS.items()
        if queries
    ]
