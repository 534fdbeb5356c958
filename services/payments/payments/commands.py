"""What payments can be asked to do; `now` is the moment on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.payments.retry_policy import Delays
from shared.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPayment:
    """Take money once, by this method."""

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
    """The gateway is about to be asked for the money."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCapture:
    """The gateway has the money."""

    reference: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecline:
    """The gateway has not, and will not have, taken the money for this attempt."""

    code: str
    hard: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUnknownOutcome:
    """No answer: look again after the next of `checks`, as long as there is one."""

    cause: str
    checks: Delays
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonPayment:
    """Do not ask the gateway any more, if it has not been asked yet."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefund:
    """Send the money back."""

    refund_id: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRefund:
    """The gateway has sent it."""

    reference: str
    now: datetime
