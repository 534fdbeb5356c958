"""GraphQL type of customers, with all that belongs to one, and root fields."""

from datetime import datetime

import strawberry

from projections.engine.read_model import StoredRow
from projections.graphql.fields import AsOf, Info, list_field, row_field
from projections.graphql.row_types import of_row
from projections.read_models.balances.graphql import Balance, balance_type, read_balance
from projections.read_models.contracts.graphql import Contract
from projections.read_models.customers.projection import CUSTOMERS, CustomerRow
from projections.read_models.entitlements.graphql import entitlements_of_customer
from projections.read_models.invoices.graphql import Invoice
from projections.read_models.payments.graphql import Payment
from projections.read_models.subscriptions.graphql import Subscription


async def _balance(root: StoredRow[CustomerRow], info: Info, as_of: AsOf = None) -> Balance:
    """The balance in the customer's currency; zero without a row."""
    stored = await read_balance(info, root.id, root.row.currency, as_of)
    return balance_type(stored, root.id, root.row.currency)


@of_row(CUSTOMERS)
class Customer:
    """A customer; names and addresses are not part of the read side."""

    id: strawberry.ID
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime
    updated_at: datetime
    balance = strawberry.field(_balance, description="The balance in the customer's currency.")
    entitlements = entitlements_of_customer
    subscriptions = list_field(Subscription, "Oldest first.", of="customer_id", filters=["status"])
    contracts = list_field(Contract, "Oldest first.", of="customer_id", filters=["status"])
    invoices = list_field(Invoice, "Oldest first.", of="customer_id", filters=["status"], timed=True)
    payments = list_field(
        Payment,
        "Payment attempts of this customer, oldest first.",
        of="customer_id",
        filters=["status"],
    )


@strawberry.type
class CustomerQueries:
    """Root fields."""

    customer = row_field(Customer)
    customers = list_field(Customer, "In order of registration.", filters=["external_id"], timed=True)
