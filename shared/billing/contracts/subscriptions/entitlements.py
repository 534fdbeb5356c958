"""Events of entitlements: what the subscriptions of a customer let it use."""

from datetime import datetime

from shared.billing.entitlements import Entitlement
from shared.framework.core.event import Event


class EntitlementsChanged(Event, frozen=True, kw_only=True):
    """A subscription gives its customer these entitlements, in the place of those before.

    They are copied from the plan version; none while nothing runs: before the start, in a pause, at the end.
    """

    wire_name = "subscriptions.entitlements.changed.v1"

    customer_id: str
    subscription_id: str
    entitlements: tuple[Entitlement, ...]
    changed_at: datetime
