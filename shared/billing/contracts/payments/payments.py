"""What payments tells: every attempt to collect, and how each one ended."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class PaymentRequested(Event, frozen=True, kw_only=True):
    """One attempt to take money; `gateway_key` is the idempotency key under which the gateway is asked."""

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
    """The gateway is about to be asked: from here on silence means unknown, not failed."""

    wire_name = "payments.payment.submitted.v1"

    payment_id: str
    submitted_at: datetime


class PaymentSucceeded(Event, frozen=True, kw_only=True):
    """The gateway has the money; `gateway_reference` is its own name for the charge."""

    wire_name = "payments.payment.succeeded.v1"

    payment_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    gateway_reference: str
    succeeded_at: datetime


class PaymentFailed(Event, frozen=True, kw_only=True):
    """The gateway refused; a hard decline will never turn into a yes."""

    wire_name = "payments.payment.failed.v1"

    payment_id: str
    invoice_id: str
    customer_id: str
    decline_code: str
    hard: bool
    failed_at: datetime


class PaymentUnknown(Event, frozen=True, kw_only=True):
    """No answer came; the money may have moved. Looked up, never charged again (billing rule 14)."""

    wire_name = "payments.payment.unknown.v1"

    payment_id: str
    invoice_id: str
    cause: str
    check_at: datetime
    noticed_at: datetime
