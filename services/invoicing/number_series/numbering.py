"""Gapless invoice numbers: the n-th number of a series is the n-th event of its stream (billing rule 13)."""

from datetime import datetime

from shared.billing.contracts.invoicing.number_series import InvoiceNumberAssigned
from shared.framework.core.event import Event
from shared.framework.core.ids import derived_id

SERIES = "INV"
NUMBER_DIGITS_MIN = 6


def series_id(tenant_id: str) -> str:
    """The stream of a tenant's number series."""
    return derived_id("ser", tenant_id, SERIES)


def next_number(version: int) -> str:
    """The next number of a series whose stream is at `version`: `INV-000001` for 0."""
    return f"{SERIES}-{version + 1:0{NUMBER_DIGITS_MIN}}"


def issued_at(last: Event | None, now: datetime) -> datetime:
    """The date of the next document: now, and never before that of the number before it.

    Two processes have clocks that differ by milliseconds, and a step that failed may be done late.
    """
    return max(now, last.assigned_at) if isinstance(last, InvoiceNumberAssigned) else now


def number_assigned(number: str, invoice_id: str, now: datetime) -> InvoiceNumberAssigned:
    """The event that assigns a number; it is appended at the version from which the number was computed.

    So two finalizations cannot assign the same number, and one that is rolled back assigns none.
    """
    return InvoiceNumberAssigned(series=SERIES, number=number, invoice_id=invoice_id, assigned_at=now)
