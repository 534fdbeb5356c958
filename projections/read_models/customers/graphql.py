"""Customers as frontends see them: the root of everything that is a customer's."""

from datetime import datetime

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.connections import Connection, connection
from projections.graphql.context import Info
from projections.graphql.scalars import AsOf, From, To
from projections.read_models.balances.graphql import Balance, shown_balance
from projections.read_models.balances.projection import BALANCES, balance_id
from projections.read_models.customers.projection import CUSTOMERS, CustomerRow
from projections.read_models.invoices.graphql import Invoice, shown_invoice
from projections.read_models.invoices.projection import INVOICES
from projections.read_models.payments.graphql import Payment, shown_payment
from projections.read_models.payments.projection import PAYMENTS
from projections.read_models.subscriptions.graphql import Subscription, shown_subscription
from projections.read_models.subscriptions.projection import SUBSCRIPTIONS


@strawberry.type(description="Somebody who may be billed; names and addresses are kept elsewhere.")
class Customer:
    """See CustomerRow."""

    id: strawberry.ID
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime
    updated_at: datetime

    @strawberry.field(description="What was billed, paid and is owed, in the customer's own currency.")
    async def balance(self, info: Info, as_of: AsOf = None) -> Balance:
        """Zero until something happens."""
        row_id = balance_id(str(self.id), self.currency)
        stored = await info.context.one(BALANCES, row_id, as_of)
        return shown_balance(stored, str(self.id), self.currency)

    @strawberry.field(description="Oldest first.")
    async def subscriptions(
        self, info: Info, first: int = 20, after: str | None = None, status: str | None = None
    ) -> Connection[Subscription]:
        """Subscriptions of this customer."""
        of = ("customer_id", str(self.id))
        return await connection(
            info.context, SUBSCRIPTIONS, shown_subscription, first=first, after=after, of=of, status=status
        )

    @strawberry.field(description="Oldest first.")
    async def invoices(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        status: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[Invoice]:
        """Invoices of this customer."""
        return await connection(
            info.context,
            INVOICES,
            shown_invoice,
            first=first,
            after=after,
            since=since,
            until=until,
            of=("customer_id", str(self.id)),
            status=status,
        )

    @strawberry.field(description="Every attempt to take money from this customer, oldest first.")
    async def payments(
        self, info: Info, first: int = 20, after: str | None = None, status: str | None = None
    ) -> Connection[Payment]:
        """Payments of this customer."""
        of = ("customer_id", str(self.id))
        return await connection(
            info.context, PAYMENTS, shown_payment, first=first, after=after, of=of, status=status
        )


def shown_customer(stored: StoredRow[CustomerRow]) -> Customer:
    """A row, as GraphQL shows it."""
    row = stored.row
    return Customer(
        id=strawberry.ID(row.customer_id),
        external_id=row.external_id,
        currency=row.currency,
        time_zone=row.time_zone,
        registered_at=row.registered_at,
        updated_at=stored.updated_at,
    )


@strawberry.type
class CustomerQueries:
    """What may be asked about customers."""

    @strawberry.field
    async def customer(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Customer | None:  # noqa: A002
        """A customer by id."""
        stored = await info.context.one(CUSTOMERS, str(id), as_of)
        return shown_customer(stored) if stored else None

    @strawberry.field(description="In the order of their registration.")
    async def customers(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        external_id: str | None = None,
        since: From = None,
        until: To = None,
    ) -> Connection[Customer]:
        """Customers of the tenant."""
        return await connection(
            info.context,
            CUSTOMERS,
            shown_customer,
            first=first,
            after=after,
            since=since,
            until=until,
            external_id=external_id,
        )
