"""Events of payment accounts and their payment methods."""

from datetime import datetime

from shared.framework.core.event import Event


class AccountOpened(Event, frozen=True, kw_only=True):
    """A payment account was opened for a customer, to which payment methods can be attached."""

    wire_name = "payments.account.opened.v1"

    customer_id: str
    opened_at: datetime


class CollectionLeftUnpaid(Event, frozen=True, kw_only=True):
    """An attempt on an invoice was declined, or had no method: the customer's next method is tried on it."""

    wire_name = "payments.account.collection-left-unpaid.v1"

    customer_id: str
    invoice_id: str
    left_at: datetime


class PaymentMethodAttached(Event, frozen=True, kw_only=True):
    """A payment method was attached: the gateway has the card, `token` is the gateway's stand-in for it."""

    wire_name = "payments.method.attached.v1"

    method_id: str
    customer_id: str
    gateway: str
    token: str
    attached_at: datetime
