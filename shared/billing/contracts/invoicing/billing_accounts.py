"""Events of billing accounts."""

from datetime import datetime

from shared.framework.core.event import Event


class BillingAccountOpened(Event, frozen=True, kw_only=True):
    """A billing account was opened for a customer, who is invoiced in this currency."""

    wire_name = "invoicing.account.opened.v1"

    customer_id: str
    currency: str
    time_zone: str
    opened_at: datetime
