"""Events of customers."""

from datetime import datetime

from shared.framework.core.event import Event


class CustomerRegistered(Event, frozen=True, kw_only=True):
    """A customer was registered; `external_id` is the tenant's id of it, by default its usage's subject."""

    wire_name = "subscriptions.customer.registered.v1"

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime
