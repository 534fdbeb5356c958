"""Customers, as registered."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, own_stream, single_row
from shared.billing.contracts.subscriptions.customers import CustomerRegistered


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may be billed; names and addresses are not here but in the vault."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime


def fold(_: CustomerRow | None, event: CustomerRegistered, __: DecodedEvent) -> CustomerRow:
    """The row says what was registered."""
    return CustomerRow(
        customer_id=event.customer_id,
        external_id=event.external_id,
        currency=event.currency,
        time_zone=event.time_zone,
        registered_at=event.registered_at,
    )


CUSTOMERS = ReadModel(
    name="customers",
    version=1,
    row=CustomerRow,
    events=(CustomerRegistered,),
    targets=single_row("customer_id"),
    fold=fold,
    sorted_by=lambda row: row.registered_at,
    filters=("customer_id", "external_id"),
    owner="customer_id",
    source=own_stream,
)
