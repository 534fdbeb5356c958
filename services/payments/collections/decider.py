"""The saga of one invoice's money: attempts one after another, pauses between, and an end."""

from collections.abc import Sequence
from datetime import datetime

from services.payments.collections.commands import (
    CancelCollection,
    CollectNow,
    CompleteCollection,
    RecordAttemptDeclined,
    StartAttempt,
    StartCollection,
    StopLookups,
)
from services.payments.collections.refusals import (
    AttemptIsOpen,
    CollectionIsOver,
    CollectionIsUnknown,
    PaymentMethodIsMissing,
)
from services.payments.collections.state import (
    PAYMENT_UNKNOWN,
    AttemptOpen,
    AttemptScheduled,
    Cancelled,
    Collection,
    CollectionEvent,
    Completed,
    GivenUp,
    NoCollection,
    Receivable,
    evolve,
)
from services.payments.payments.decider import payment_id_of
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionAttemptStarted,
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id

CollectionCommand = (
    StartCollection
    | StartAttempt
    | CollectNow
    | CompleteCollection
    | RecordAttemptDeclined
    | StopLookups
    | CancelCollection
)


def collection_id_of(invoice_id: str) -> str:
    """One invoice is collected by one saga."""
    return derived_id("col", invoice_id)


def decide(collection: Collection, command: CollectionCommand) -> Sequence[CollectionEvent]:
    """Hand the command to the one function that judges it."""
    match command:
        case StartCollection():
            return start(collection, command)
        case StartAttempt():
            return start_attempt(collection, command)
        case CollectNow():
            return collect_now(collection, command)
        case CompleteCollection():
            return complete(collection, command)
        case RecordAttemptDeclined():
            return record_declined(collection, command)
        case StopLookups():
            return stop_lookups(collection, command)
        case CancelCollection():
            return cancel(collection, command)


def start(collection: Collection, command: StartCollection) -> Sequence[CollectionEvent]:
    """Once per invoice; the first attempt is due at once. A void that came first has the last word."""
    if not isinstance(collection, NoCollection):
        return []
    started = CollectionStarted(
        collection_id=command.collection_id,
        invoice_id=command.invoice_id,
        customer_id=command.customer_id,
        amount=command.amount,
        started_at=command.now,
    )
    debt = Receivable(command.collection_id, command.invoice_id, command.customer_id, command.amount)
    return [started, _due(debt, 1, command.now, "first_attempt")]


def start_attempt(collection: Collection, command: StartAttempt) -> Sequence[CollectionEvent]:
    """The attempt that is waited for begins; a timer of any other comes too late to matter."""
    match collection:
        case AttemptScheduled(debt, attempt) if attempt == command.attempt:
            if not command.has_method:
                return [_gave_up(debt, "no_payment_method", command.now)]
            return [_attempt_started(debt, attempt, False, command.now)]
        case _:
            return []


def collect_now(collection: Collection, command: CollectNow) -> Sequence[CollectionEvent]:
    """A manual attempt, if none is open; it uses up nothing of the schedule (billing rule 14)."""
    match collection:
        case AttemptScheduled() | GivenUp() if not command.has_method:
            raise PaymentMethodIsMissing(collection.debt.customer_id)
        case AttemptScheduled(debt, attempt):
            return [_attempt_started(debt, attempt, True, command.now)]
        case GivenUp(debt, attempt):
            return [_attempt_started(debt, attempt + 1, True, command.now)]
        case AttemptOpen():
            raise AttemptIsOpen(command.invoice_id)
        case Completed() | Cancelled():
            raise CollectionIsOver(command.invoice_id)
        case NoCollection():
            raise CollectionIsUnknown(command.invoice_id)


def complete(collection: Collection, command: CompleteCollection) -> Sequence[CollectionEvent]:
    """The open attempt has succeeded; on a cancelled collection the money goes back instead."""
    match collection:
        case AttemptOpen(debt, _, payment_id) if payment_id == command.payment_id:
            return [
                CollectionCompleted(
                    collection_id=debt.collection_id,
                    invoice_id=debt.invoice_id,
                    payment_id=payment_id,
                    completed_at=command.now,
                )
            ]
        case _:
            return []


def record_declined(collection: Collection, command: RecordAttemptDeclined) -> Sequence[CollectionEvent]:
    """Ask again when the schedule says; when it has run out, or the no is final, give up and say so."""
    match collection:
        case AttemptOpen(debt, _, payment_id) if payment_id == command.payment_id:
            if command.hard:
                return [_gave_up(debt, "hard_declined", command.now)]
            return [_after_soft_decline(collection, command)]
        case _:
            return []


def stop_lookups(collection: Collection, command: StopLookups) -> Sequence[CollectionEvent]:
    """Say once that the outcome is not known; the attempt stays open, for nobody may charge again."""
    match collection:
        case AttemptOpen(debt, _, payment_id, silent=False) if payment_id == command.payment_id:
            return [_gave_up(debt, PAYMENT_UNKNOWN, command.now)]
        case _:
            return []


def cancel(collection: Collection, command: CancelCollection) -> Sequence[CollectionEvent]:
    """Whatever it was doing, it stops; also when it has not begun, so that it never will."""
    if isinstance(collection, Cancelled):
        return []
    return [
        CollectionCancelled(
            collection_id=command.collection_id, invoice_id=command.invoice_id, cancelled_at=command.now
        )
    ]


COLLECTION: Decider[Collection, CollectionCommand, CollectionEvent] = Decider(NoCollection(), decide, evolve)


def _after_soft_decline(open_attempt: AttemptOpen, command: RecordAttemptDeclined) -> CollectionEvent:
    debt, following = open_attempt.debt, open_attempt.attempt + 1
    match open_attempt.interrupted:
        case AttemptScheduled(due_at=due_at):
            return _due(debt, following, max(due_at, command.now), "schedule_resumed")
        case GivenUp(reason=reason):
            return _gave_up(debt, reason, command.now)
        case None if open_attempt.retries_used < len(command.dunning):
            return _due(debt, following, _next_retry_at(open_attempt, command), "soft_decline")
        case None:
            return _gave_up(debt, "retries_exhausted", command.now)


def _next_retry_at(open_attempt: AttemptOpen, command: RecordAttemptDeclined) -> datetime:
    """The schedule counts from the first failure (V72): each retry has its distance from the one before.

    A failure that is heard of so late that the next moment has passed is followed by the whole distance.
    """
    used, dunning = open_attempt.retries_used, command.dunning
    if used == 0:
        return command.now + dunning[0]
    distance = dunning[used] - dunning[used - 1]
    scheduled_at = open_attempt.due_at + distance
    return scheduled_at if scheduled_at > command.now else command.now + distance


def _due(debt: Receivable, attempt: int, due_at: datetime, reason: str) -> CollectionAttemptDue:
    return CollectionAttemptDue(
        collection_id=debt.collection_id, attempt=attempt, due_at=due_at, reason=reason
    )


def _attempt_started(debt: Receivable, attempt: int, manual: bool, now: datetime) -> CollectionAttemptStarted:
    return CollectionAttemptStarted(
        collection_id=debt.collection_id,
        invoice_id=debt.invoice_id,
        attempt=attempt,
        payment_id=payment_id_of(debt.invoice_id, attempt),
        manual=manual,
        started_at=now,
    )


def _gave_up(debt: Receivable, reason: str, now: datetime) -> CollectionGaveUp:
    return CollectionGaveUp(
        collection_id=debt.collection_id,
        invoice_id=debt.invoice_id,
        customer_id=debt.customer_id,
        amount=debt.amount,
        reason=reason,
        gave_up_at=now,
    )
