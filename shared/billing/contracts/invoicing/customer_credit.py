"""Events of customer credit: money that a customer has with the tenant, and that pays later invoices."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class CustomerCreditGranted(Event, frozen=True, kw_only=True):
    """A customer got credit; `credit_id` is derived from its cause, `invoice_id` is the document of it."""

    wire_name = "invoicing.customer-credit.granted.v1"

    customer_id: str
    credit_id: str
    invoice_id: str
    amount: Money
    reason: str
    granted_at: datetime


class CustomerCreditUsed(Event, frozen=True, kw_only=True):
    """Credit of a customer paid a part of an invoice, or was taken back with a voided one."""

    wire_name = "invoicing.customer-credit.used.v1"

    customer_id: str
    invoice_id: str
    amount: Money
    reason: str
    used_at: datetime
