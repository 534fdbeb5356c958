"""Events of payments: one attempt's movement of money."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class PaymentRequested(Event, frozen=True, kw_only=True):
    """A payment was created for one attempt; `gateway_key` is its idempotency key at the gateway."""

    wire_name = "payments.payment.requested.v1"

    payment_id: str
    collection_id: str
    invoice_id: str
    customer_id: str
    attempt: int
    amount: Money
    method_id: str
    gateway: str
    gateway_key: str
    requested_at: datetime


class PaymentSubmitted(Event, frozen=True, kw_only=True):
    """The capture is about to be sent: from now on a missing response means unknown, not failed."""

    wire_name = "payments.payment.submitted.v1"

    payment_id: str
    submitted_at: datetime


class PaymentSucceeded(Event, frozen=True, kw_only=True):
    """The gateway took the money; `gateway_reference` is the gateway's id of it."""

    wire_name = "payments.payment.succeeded.v1"

    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    gateway_reference: str
    succeeded_at: datetime


class PaymentFailed(Event, frozen=True, kw_only=True):
    """The gateway declined; a `hard` decline is final, any other may be retried."""

    wire_name = "payments.payment.failed.v1"

    payment_id: str
    invoice_id: str
    customer_id: str
    decline_code: str
    hard: bool
    failed_at: datetime


class PaymentUnknown(Event, frozen=True, kw_only=True):
    """The outcome is unknown: resolved by lookup, never by another capture (billing rule 14)."""

    wire_name = "payments.payment.unknown.v1"

    payment_id: str
    invoice_id: str
    cause: str
    check_at: datetime
    noticed_at: datetime
