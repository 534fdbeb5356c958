"""Events of refunds."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class RefundRequested(Event, frozen=True, kw_only=True):
    """A refund of a payment was requested."""

    wire_name = "payments.refund.requested.v1"

    refund_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    gateway_key: str
    reason: str
    requested_at: datetime


class RefundIssued(Event, frozen=True, kw_only=True):
    """The gateway sent the money back."""

    wire_name = "payments.refund.issued.v1"

    refund_id: str
    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    gateway_reference: str
    issued_at: datetime
