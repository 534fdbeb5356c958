"""Where collecting an invoice can stand, and what each event makes of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionAttemptStarted,
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.billing.money import Money
from shared.framework.core.refusals import ImpossibleHistory

PAYMENT_UNKNOWN = "payment_unknown"
"""The one reason to give up that leaves the attempt open: it may still turn out to have been paid."""

CollectionEvent = (
    CollectionStarted
    | CollectionAttemptDue
    | CollectionAttemptStarted
    | CollectionCompleted
    | CollectionGaveUp
    | CollectionCancelled
)


@dataclass(frozen=True, slots=True)
class Receivable:
    """Who owes what for which invoice."""

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class NoCollection:
    """Nothing is to be collected."""


@dataclass(frozen=True, slots=True)
class AttemptScheduled:
    """The next attempt has a number and a moment; `retries_used` counts the pauses of the schedule."""

    debt: Receivable
    attempt: int
    due_at: datetime
    retries_used: int = 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """No attempt is made by itself any more; `attempt` was the last one."""

    debt: Receivable
    attempt: int
    reason: str
    retries_used: int


@dataclass(frozen=True, slots=True)
class AttemptOpen:
    """One attempt is open. `interrupted` is what a manual attempt goes back to if it is declined softly.

    `due_at`: when a scheduled attempt was to begin; the schedule goes on from there. `silent`: the gateway
    was asked as often as we ask, in vain.
    """

    debt: Receivable
    attempt: int
    payment_id: str
    retries_used: int
    due_at: datetime
    interrupted: AttemptScheduled | GivenUp | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The money came in by this payment."""

    debt: Receivable
    payment_id: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The invoice was voided; `payment_id` had, or may yet have, taken money that must go back."""

    payment_id: str | None


Collection = NoCollection | AttemptScheduled | AttemptOpen | GivenUp | Completed | Cancelled


def evolve(collection: Collection, event: CollectionEvent) -> Collection:
    """What is true after this event."""
    match collection, event:
        case NoCollection(), CollectionStarted():
            debt = Receivable(event.collection_id, event.invoice_id, event.customer_id, event.amount)
            return AttemptScheduled(debt, 1, event.started_at)
        case AttemptScheduled(), CollectionAttemptDue():
            return replace(collection, attempt=event.attempt, due_at=event.due_at)
        case AttemptOpen(), CollectionAttemptDue():
            used = collection.retries_used + (collection.interrupted is None)
            return AttemptScheduled(collection.debt, event.attempt, event.due_at, used)
        case ((AttemptScheduled() | GivenUp()), CollectionAttemptStarted()):
            return _attempting(collection, event)
        case AttemptOpen(), CollectionGaveUp() if event.reason == PAYMENT_UNKNOWN:
            return replace(collection, silent=True)
        case ((AttemptScheduled() | AttemptOpen()), CollectionGaveUp()):
            return GivenUp(collection.debt, collection.attempt, event.reason, collection.retries_used)
        case AttemptOpen(), CollectionCompleted():
            return Completed(collection.debt, event.payment_id)
        case _, CollectionCancelled():
            return Cancelled(_payment_of(collection))
    raise ImpossibleHistory(collection, event)


def _attempting(before: AttemptScheduled | GivenUp, event: CollectionAttemptStarted) -> AttemptOpen:
    return AttemptOpen(
        before.debt,
        event.attempt,
        event.payment_id,
        before.retries_used,
        due_at=before.due_at if isinstance(before, AttemptScheduled) else event.started_at,
        interrupted=before if event.manual else None,
    )


def _payment_of(collection: Collection) -> str | None:
    match collection:
        case AttemptOpen() | Completed():
            return collection.payment_id
        case _:
            return None
