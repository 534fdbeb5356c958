"""The commands of a payment; `now` is the instant on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.payments.retry_policy import Delays
from shared.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    """Take `amount` once, with this payment method."""

    payment_id: str
    collection_id: str
    invoice_id: str
    customer_id: str
    attempt: int
    amount: Money
    method_id: str
    gateway: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPayment:
    """Record that the gateway is about to be called."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCapture:
    """Record that the gateway took the money; `reference` is the gateway's id of the charge."""

    reference: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecline:
    """Record that the gateway took no money and will take none under this key; `hard`: nor for any other."""

    code: str
    hard: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUnknownOutcome:
    """Record an unknown outcome, to be looked up after the next of `lookup_pauses` if there is one left."""

    cause: str
    lookup_pauses: Delays
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonPayment:
    """Fail the payment if the gateway has not been called for it."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefund:
    """Send the whole amount back."""

    refund_id: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRefund:
    """Record that the gateway sent the money back; `reference` is the gateway's id of the refund."""

    reference: str
    now: datetime
