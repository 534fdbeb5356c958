"""The commands of a collection; `now` is the instant on the tenant's clock."""

from dataclasses import dataclass
from datetime import datetime

from services.payments.retry_policy import Delays
from shared.billing.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCollection:
    """Collect the amount due of a finalized invoice."""

    invoice_id: str
    customer_id: str
    amount: Money
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAttempt:
    """Start the scheduled attempt of this number; `has_method`: the customer has a payment method."""

    attempt: int
    has_method: bool = False
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectNow:
    """Start an attempt outside the schedule; `has_method` as in StartAttempt."""

    invoice_id: str
    has_method: bool = False
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteCollection:
    """Record that the payment of the open attempt succeeded."""

    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttemptDeclined:
    """Record that the payment of the open attempt failed.

    `hard`: no further attempt is made. `dunning`: when it is tried again, counted from the first decline.
    """

    payment_id: str
    hard: bool
    dunning: Delays
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLookups:
    """Give up on the open attempt: its outcome is still unknown after the last scheduled lookup."""

    payment_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCollection:
    """Stop collecting: the invoice was voided."""

    invoice_id: str
    now: datetime
