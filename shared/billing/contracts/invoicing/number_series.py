"""What invoicing tells: runs, drafts, documents with a number, and what became of them."""

from datetime import datetime

from shared.framework.core.event import Event


class InvoiceNumberAssigned(Event, frozen=True, kw_only=True):
    """One number of a series was given to one invoice; numbers are the versions of this stream, so no gap."""

    wire_name = "invoicing.number.assigned.v1"

    series: str
    number: str
    invoice_id: str
    assigned_at: datetime
