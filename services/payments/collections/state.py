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
class Debt:
    """Who owes what for which invoice."""

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class NoCollection:
    """Nothing is to be collected."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt has a number and a moment; `retries_used` counts the pauses of the schedule."""

    debt: Debt
    attempt: int
    due_at: datetime
    retries_used: int = 0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """No attempt is made by itself any more; `attempt` was the last one."""

    debt: Debt
    attempt: int
    reason: str
    retries_used: int


@dataclass(frozen=True, slots=True)
class Attempting:
    """One attempt is open. `interrupted` is what a manual attempt goes back to if it is declined softly.

    `due_at`: when a scheduled attempt was to begin; the schedule goes on from there. `silent`: the gateway
    was asked as often as we ask, in vain.
    """

    debt: Debt
    attempt: int
    payment_id: str
    retries_used: int
    due_at: datetime
    interrupted: Waiting | GivenUp | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """The money came in by this payment."""

    debt: Debt
    payment_id: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The invoice was voided; `payment_id` had, or may yet have, taken money that must go back."""

    payment_id: str | None


Collection = NoCollection | Waiting | Attempting | GivenUp | Completed | Cancelled


def evolve(collection: Collection, event: CollectionEvent) -> Collection:
    """What is true after this event."""
    match collection, event:
        case NoCollection(), CollectionStarted():
            debt = Debt(event.collection_id, event.invoice_id, event.customer_id, event.amount)
            return Waiting(debt, 1, event.started_at)
        case Waiting(), CollectionAttemptDue():
            return replace(collection, attempt=event.attempt, due_at=event.due_at)
        case Attempting(), CollectionAttemptDue():
            used = collection.retries_used + (collection.interrupted is None)
            return Waiting(collection.debt, event.attempt, event.due_at, used)
        case ((Waiting() | GivenUp()), CollectionAttemptStarted()):
            return _attempting(collection, event)
        case Attempting(), CollectionGaveUp() if event.reason == PAYMENT_UNKNOWN:
            return replace(collection, silent=True)
        case ((Waiting() | Attempting()), CollectionGaveUp()):
            return GivenUp(collection.debt, collection.attempt, event.reason, collection.retries_used)
        case Attempting(), CollectionCompleted():
            return Completed(collection.debt, event.payment_id)
        case _, CollectionCancelled():
            return Cancelled(_payment_of(collection))
    raise ImpossibleHistory(collection, event)


def _attempting(before: Waiting | GivenUp, event: CollectionAttemptStarted) -> Attempting:
    return Attempting(
        before.debt,
        event.attempt,
        event.payment_id,
        before.retries_used,
        due_at=before.due_at if isinstance(before, Waiting) else event.started_at,
        interrupted=before if event.manual else None,
    )


def _payment_of(collection: Collection) -> str | None:
    match collection:
        case Attempting() | Completed():
            return collection.payment_id
        case _:
            return None
