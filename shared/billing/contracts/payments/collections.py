"""What payments tells: every attempt to collect, and how each one ended."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class CollectionStarted(Event, frozen=True, kw_only=True):
    """An invoice is to be collected."""

    wire_name = "payments.collection.started.v1"

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    started_at: datetime


class CollectionAttemptDue(Event, frozen=True, kw_only=True):
    """The next attempt (counted from 1) may be made from `due_at` on; `reason` says why it waits."""

    wire_name = "payments.collection.attempt-due.v1"

    collection_id: str
    attempt: int
    due_at: datetime
    reason: str


class CollectionAttemptStarted(Event, frozen=True, kw_only=True):
    """An attempt is open from here on, and no other may be; `manual`: asked for, not scheduled."""

    wire_name = "payments.collection.attempt-started.v1"

    collection_id: str
    invoice_id: str
    attempt: int
    payment_id: str
    manual: bool
    started_at: datetime


class CollectionCompleted(Event, frozen=True, kw_only=True):
    """The invoice's money has come in, by this payment."""

    wire_name = "payments.collection.completed.v1"

    collection_id: str
    invoice_id: str
    payment_id: str
    completed_at: datetime


class CollectionGaveUp(Event, frozen=True, kw_only=True):
    """No further attempt will be made by itself.

    `reason`: retries_exhausted, hard_declined, no_payment_method, or payment_unknown (the gateway still
    has not said whether it took the money; that attempt stays open until it does).
    """

    wire_name = "payments.collection.gave-up.v1"

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    reason: str
    gave_up_at: datetime


class CollectionCancelled(Event, frozen=True, kw_only=True):
    """The invoice was voided: nothing more is collected, and what had come in goes back."""

    wire_name = "payments.collection.cancelled.v1"

    collection_id: str
    invoice_id: str
    cancelled_at: datetime
