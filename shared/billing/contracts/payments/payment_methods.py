"""What payments tells: every attempt to collect, and how each one ended."""

from datetime import datetime

from shared.framework.core.event import Event


class AccountOpened(Event, frozen=True, kw_only=True):
    """Payments has heard of a customer and may hold payment methods for them."""

    wire_name = "payments.account.opened.v1"

    customer_id: str
    opened_at: datetime


class PaymentMethodAttached(Event, frozen=True, kw_only=True):
    """The gateway holds a card for this customer; we hold only the gateway's token for it."""

    wire_name = "payments.method.attached.v1"

    method_id: str
    customer_id: str
    gateway: str
    token: str
    attached_at: datetime
