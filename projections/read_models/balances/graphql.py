"""Balances as frontends see them."""

from datetime import datetime

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.context import Info
from projections.graphql.scalars import AsOf, Money, money_type
from projections.read_models.balances.projection import BALANCES, BalanceRow, balance_id
from shared.billing import money


@strawberry.type(description="What a customer was billed, has paid and still owes, in one currency.")
class Balance:
    """See BalanceRow."""

    id: strawberry.ID
    customer_id: strawberry.ID
    billed: Money = strawberry.field(description="Due on finalized invoices, less those voided since.")
    paid: Money
    refunded: Money
    owed: Money = strawberry.field(description="billed - paid + refunded; below zero it is credit.")
    updated_at: datetime | None = strawberry.field(description="The newest fact in it; none: nothing yet.")


def shown_balance(stored: StoredRow[BalanceRow] | None, customer_id: str, currency: str) -> Balance:
    """A row, as GraphQL shows it; without one, nothing has happened and all is zero."""
    row = stored.row if stored else None

    def amount(minor: int) -> Money:
        return money_type(money.Money(minor, currency))

    return Balance(
        id=strawberry.ID(balance_id(customer_id, currency)),
        customer_id=strawberry.ID(customer_id),
        billed=amount(row.billed if row else 0),
        paid=amount(row.paid if row else 0),
        refunded=amount(row.refunded if row else 0),
        owed=amount(row.owed if row else 0),
        updated_at=stored.updated_at if stored else None,
    )


@strawberry.type
class BalanceQueries:
    """What may be asked about balances."""

    @strawberry.field(description="Null while nothing has happened in that currency.")
    async def balance(
        self, info: Info, customer_id: strawberry.ID, currency: str, as_of: AsOf = None
    ) -> Balance | None:
        """A customer's balance in a currency."""
        stored = await info.context.one(BALANCES, balance_id(str(customer_id), currency), as_of)
        return shown_balance(stored, str(customer_id), currency) if stored else None
