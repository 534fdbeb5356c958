"""Customers, one row for each registration."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.customers import CustomerRegistered


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer without personal data: names and addresses are not events, so the read side has none."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime


def fold(_: CustomerRow | None, event: CustomerRegistered, __: DecodedEvent) -> CustomerRow:
    """The row of a registration."""
    return row_from(CustomerRow, event)


CUSTOMERS = ReadModel(
    name="customers",
    version=2,
    row=CustomerRow,
    events=(CustomerRegistered,),
    targets=single_row("customer_id"),
    fold=fold,
    sorted_by=lambda row: row.registered_at,
    filters=("customer_id", "external_id"),
    owner="customer_id",
    source=StreamSource,
)
