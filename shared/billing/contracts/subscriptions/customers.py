"""What subscriptions tells: customers, plans, who pays for what, and when a period is over."""

from datetime import datetime

from shared.framework.core.event import Event


class CustomerRegistered(Event, frozen=True, kw_only=True):
    """Somebody who may be billed; `external_id` is the tenant's own name for them, the subject of usage."""

    wire_name = "subscriptions.customer.registered.v1"

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    registered_at: datetime
