"""Events of number series."""

from datetime import datetime

from shared.framework.core.event import Event


class InvoiceNumberAssigned(Event, frozen=True, kw_only=True):
    """A number of a series was given to one invoice; it is the version of this stream, so there is no gap."""

    wire_name = "invoicing.number.assigned.v1"

    series: str
    number: str
    invoice_id: str
    assigned_at: datetime
