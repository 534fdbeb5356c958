"""The GraphQL schema, merged from the read models: a new one is a folder and a line here."""

from datetime import datetime

import strawberry
from graphql import GraphQLError
from strawberry.extensions import DisableIntrospection, MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from projections.engine.freshness import PartitionFreshness
from projections.graphql.context import Info
from projections.graphql.query_limits import TOKENS_MAX, query_limits
from projections.graphql.scalars import SCALARS
from projections.read_models.balances.graphql import BalanceQueries
from projections.read_models.customers.graphql import CustomerQueries
from projections.read_models.invoices.graphql import InvoiceQueries
from projections.read_models.meters.graphql import MeterQueries
from projections.read_models.payments.graphql import PaymentQueries
from projections.read_models.plans.graphql import PlanQueries
from projections.read_models.subscriptions.graphql import SubscriptionQueries
from projections.read_models.usage.graphql import UsageQueries

QUERIES = (
    CustomerQueries,
    SubscriptionQueries,
    PlanQueries,
    MeterQueries,
    UsageQueries,
    InvoiceQueries,
    PaymentQueries,
    BalanceQueries,
)


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
class FreshnessQueries:
    """What may be asked about the answer itself."""

    @strawberry.field(description="As of which facts this answer is; it is in `extensions` too.")
    async def freshness(self, info: Info) -> list[Freshness]:
        """One for each partition."""
        return [shown_freshness(fresh) for fresh in await info.context.freshness()]


def shown_freshness(fresh: PartitionFreshness) -> Freshness:
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
    query = merge_types("Query", (*QUERIES, FreshnessQueries))
    return Schema(query=query, extensions=extensions, config=config)
