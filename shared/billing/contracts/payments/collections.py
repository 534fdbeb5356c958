"""Events of collections: the attempts to collect one invoice."""

from datetime import datetime

from shared.billing.money import Money
from shared.framework.core.event import Event


class CollectionStarted(Event, frozen=True, kw_only=True):
    """The collection of an invoice has begun."""

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
    """An attempt has begun, and until it ends no other may; `manual`: requested by a caller."""

    wire_name = "payments.collection.attempt-started.v1"

    collection_id: str
    invoice_id: str
    attempt: int
    payment_id: str
    manual: bool
    started_at: datetime


class CollectionCompleted(Event, frozen=True, kw_only=True):
    """The amount of the invoice was collected by this payment."""

    wire_name = "payments.collection.completed.v1"

    collection_id: str
    invoice_id: str
    payment_id: str
    completed_at: datetime


class CollectionGaveUp(Event, frozen=True, kw_only=True):
    """No further attempt is scheduled.

    `reason`: retries_exhausted, hard_declined, no_payment_method, or payment_unknown (the outcome at the
    gateway is unknown; that attempt stays open until it is known).
    """

    wire_name = "payments.collection.gave-up.v1"

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    reason: str
    gave_up_at: datetime


class CollectionCancelled(Event, frozen=True, kw_only=True):
    """The invoice was voided: nothing more is collected, and what was collected is refunded."""

    wire_name = "payments.collection.cancelled.v1"

    collection_id: str
    invoice_id: str
    cancelled_at: datetime
