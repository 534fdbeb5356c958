"""What payments can be asked to do; `now` is the moment on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.payments.retry_policy import Delays
from shared.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCollection:
    """Collect a finalized invoice."""

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAttempt:
    """The scheduled attempt of this number may be made now."""

    attempt: int
    has_method: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectNow:
    """Somebody asks for an attempt outside the schedule."""

    invoice_id: str
    has_method: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteCollection:
    """The open attempt has brought the money."""

    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttemptDeclined:
    """The open attempt was declined: try again at the next of `dunning`, counted from the first failure."""

    payment_id: str
    hard: bool
    dunning: Delays
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLookups:
    """The gateway has been asked as often as we ask, and has not said what became of the open attempt."""

    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCollection:
    """The invoice was voided."""

    collection_id: str
    invoice_id: str
    now: datetime
