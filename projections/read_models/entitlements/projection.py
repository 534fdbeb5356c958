"""What each customer is entitled to, by the subscriptions that give it."""

from datetime import datetime

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, single_row
from shared.billing.contracts.subscriptions.entitlements import EntitlementsChanged
from shared.billing.entitlements import Entitlement


class EntitlementsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The entitlements of a customer by subscription, of subscriptions that give any now."""

    customer_id: str
    first_given_at: datetime
    by_subscription: dict[str, tuple[Entitlement, ...]]


def fold(row: EntitlementsRow | None, event: EntitlementsChanged, _: DecodedEvent) -> EntitlementsRow:
    """The row after an event."""
    before = {} if row is None else row.by_subscription
    given = {key: one for key, one in before.items() if key != event.subscription_id}
    if event.entitlements:
        given[event.subscription_id] = event.entitlements
    return EntitlementsRow(
        customer_id=event.customer_id,
        first_given_at=event.changed_at if row is None else row.first_given_at,
        by_subscription=given,
    )


ENTITLEMENTS = ReadModel(
    name="entitlements",
    version=1,
    row=EntitlementsRow,
    events=(EntitlementsChanged,),
    targets=single_row("customer_id"),
    fold=fold,
    sorted_by=lambda row: row.first_given_at,
    filters=("customer_id",),
    owner="customer_id",
)
