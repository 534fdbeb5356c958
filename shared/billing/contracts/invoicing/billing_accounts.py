"""What invoicing tells: runs, drafts, documents with a number, and what became of them."""

from datetime import datetime

from shared.framework.core.event import Event


class BillingAccountOpened(Event, frozen=True, kw_only=True):
    """Invoicing has heard of a customer and may bill them in this currency."""

    wire_name = "invoicing.account.opened.v1"

    customer_id: str
    currency: str
    time_zone: str
    opened_at: datetime
