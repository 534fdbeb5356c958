"""The GraphQL schema, merged from the read models: a new one is a folder and a line here."""

from datetime import datetime

import strawberry
from graphql import GraphQLError
from strawberry.extensions import DisableIntrospection, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from projections.engine.freshness import Fresh
from projections.graphql.context import Info
from projections.graphql.query_limits import TOKENS_MAX, query_limits
from projections.graphql.scalars import SCALARS
from projections.read_models.balances import graphql as balances
from projections.read_models.customers import graphql as customers
from projections.read_models.invoices import graphql as invoices
from projections.read_models.meters import graphql as meters
from projections.read_models.payments import graphql as payments
from projections.read_models.plans import graphql as plans
from projections.read_models.subscriptions import graphql as subscriptions
from projections.read_models.usage import graphql as usage

ASKABLE = (customers, subscriptions, plans, meters, usage, invoices, payments, balances)


@strawberry.type(description="How far one partition of a context has been heard.")
class Freshness:
    """See Fresh."""

    context: str
    partition: int
    position: str = strawberry.field(
        description="The last position taken in; in decimal, for it may exceed 32 bits."
    )
    occurred_at: datetime | None = strawberry.field(
        description="The newest moment of this tenant there, by its own clock; none: nothing yet."
    )


@strawberry.type
class Query:
    """What may be asked about the answer itself."""

    @strawberry.field(description="As of which facts this answer is; it is in `extensions` too.")
    async def freshness(self, info: Info) -> list[Freshness]:
        """One for each partition."""
        return [shown_freshness(fresh) for fresh in await info.context.freshness()]


def shown_freshness(fresh: Fresh) -> Freshness:
    """As GraphQL shows it."""
    return Freshness(
        context=fresh.context,
        partition=fresh.partition,
        position=str(fresh.position),
        occurred_at=fresh.occurred_at,
    )


class Schema(strawberry.Schema):
    """Strawberry's, but errors are told and logged by the endpoint, which knows refusals from defects."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing here."""


def build_schema(*, introspection: bool = True) -> Schema:
    """The schema with its limits and caches."""
    extensions = [lambda: MaxTokensLimiter(TOKENS_MAX), query_limits, ParserCache, ValidationCache]
    if not introspection:
        extensions.append(DisableIntrospection)
    config = StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True)
    query = merge_types("Query", (*(module.Query for module in ASKABLE), Query))
    return Schema(query=query, extensions=extensions, config=config)
