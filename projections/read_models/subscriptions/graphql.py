"""Subscriptions as frontends see them."""

from datetime import datetime
from typing import Any

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.connections import Connection, connection
from projections.graphql.context import Info, ParentType
from projections.graphql.scalars import AsOf, From, To
from projections.read_models.customers.projection import CUSTOMERS
from projections.read_models.invoices.graphql import Invoice, shown_invoice
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.plans.graphql import Plan, shown_plan
from projections.read_models.plans.projection import PLANS
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS, SubscriptionRow

CUSTOMER = ParentType("customers", "Customer")


@strawberry.type(description="A customer is billed by a plan version, period by period.")
class Subscription:
    """See SubscriptionRow."""

    id: strawberry.ID
    customer_id: strawberry.ID
    subject: str = strawberry.field(description="The subject of the usage that is billed.")
    plan_id: strawberry.ID
    plan_version: int
    status: str = strawberry.field(description="active, cancelled (it runs until endsAt) or ended")
    currency: str
    interval: str
    time_zone: str
    anchor_at: datetime
    started_at: datetime
    periods_closed: int
    billed_until: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime

    @strawberry.field(graphql_type=CUSTOMER.type)
    async def customer(self, info: Info) -> Any:
        """Who is billed."""
        stored = await info.context.one(CUSTOMERS, str(self.customer_id), linked=True)
        return CUSTOMER.shown(stored)

    @strawberry.field(description="With all versions; this subscription has planVersion.")
    async def plan(self, info: Info) -> Plan | None:
        """What is charged."""
        stored = await info.context.one(PLANS, str(self.plan_id), linked=True)
        return shown_plan(stored) if stored else None

    @strawberry.field(description="Oldest first.")
    async def invoices(
        self, info: Info, first: int = 20, after: str | None = None, status: str | None = None
    ) -> Connection[Invoice]:
        """Invoices of this subscription."""
        of = ("subscription_id", str(self.id))
        return await connection(
            info.context, INVOICES, shown_invoice, first=first, after=after, of=of, status=status
        )


def shown_subscription(stored: StoredRow[SubscriptionRow]) -> Subscription:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Subscription(
        id=strawberry.ID(row.subscription_id),
        customer_id=strawberry.ID(row.customer_id),
        subject=row.subject,
        plan_id=strawberry.ID(row.plan_id),
        plan_version=row.plan_version,
        status=row.status,
        currency=row.currency,
        interval=row.interval,
        time_zone=row.time_zone,
        anchor_at=row.anchor_at,
        started_at=row.started_at,
        periods_closed=row.periods_closed,
        billed_until=row.billed_until,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        updated_at=stored.updated_at,
    )


@strawberry.type
class SubscriptionQueries:
    """What may be asked about subscriptions."""

    @strawberry.field
    async def subscription(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002 - as every GraphQL schema calls it
        as_of: AsOf = None,
    ) -> Subscription | None:
        """A subscription by id."""
        stored = await info.context.one(SUBSCRIPTIONS, str(id), as_of)
        return shown_subscription(stored) if stored else None

    @strawberry.field(description="In the order of their start.")
    async def subscriptions(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        customer_id: str | None = None,
        status: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[Subscription]:
        """Subscriptions of the tenant."""
        return await connection(
            info.context,
            SUBSCRIPTIONS,
            shown_subscription,
            first=first,
            after=after,
            since=since,
            until=until,
            customer_id=customer_id,
            status=status,
        )
