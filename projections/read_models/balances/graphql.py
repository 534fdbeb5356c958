"""GraphQL type and root field of balances."""

from datetime import datetime
from typing import Any

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.fields import AsOf, Info
from projections.graphql.row_types import Money
from projections.read_models.balances.projection import BALANCES, BalanceRow, balance_id
from shared.billing import money


@strawberry.type(description="What a customer was billed, has paid and still owes, in one currency.")
class Balance:
    """Of BalanceRow."""

    id: strawberry.ID
    customer_id: strawberry.ID
    billed: Money = strawberry.field(
        description="Amount due of finalized invoices, without those voided since."
    )
    paid: Money
    refunded: Money
    owed: Money = strawberry.field(description="billed - paid + refunded; negative: too much was paid.")
    credit: Money = strawberry.field(description="What the customer has for later invoices.")
    updated_at: datetime | None = strawberry.field(
        description="When its newest event occurred; null: no event yet."
    )


async def read_balance(
    info: Info, customer_id: str, currency: str, as_of: datetime | None
) -> StoredRow[BalanceRow] | None:
    """The row of a customer and currency."""
    return await info.context.one(BALANCES, balance_id(customer_id, currency), as_of)


def balance_type(stored: StoredRow[BalanceRow] | None, customer_id: str, currency: str) -> Balance:
    """The GraphQL balance of a row, with amounts of money; all zero without a row."""
    row = stored.row if stored else None
    amounts: Any = {
        name: money.Money(getattr(row, name) if row else 0, currency)
        for name in ("billed", "paid", "refunded", "owed", "credit")
    }
    return Balance(
        id=strawberry.ID(balance_id(customer_id, currency)),
        customer_id=strawberry.ID(customer_id),
        updated_at=stored.updated_at if stored else None,
        **amounts,
    )


@strawberry.type
class BalanceQueries:
    """Root fields."""

    @strawberry.field(description="Null: no invoice or payment in that currency yet.")
    async def balance(
        self, info: Info, customer_id: strawberry.ID, currency: str, as_of: AsOf = None
    ) -> Balance | None:
        """A customer's balance in a currency."""
        stored = await read_balance(info, customer_id, currency, as_of)
        return balance_type(stored, customer_id, currency) if stored else None
