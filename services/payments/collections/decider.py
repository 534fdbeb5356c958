"""The collection of one invoice: one attempt at a time, pauses between them, an end (billing rule 14)."""

from collections.abc import Sequence
from dataclasses import replace
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
    AttemptOpen,
    AttemptScheduled,
    Cancelled,
    Collection,
    Completed,
    GivenUp,
    NoCollection,
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
from shared.framework.core.refusals import ImpossibleHistory

PAYMENT_UNKNOWN = "payment_unknown"
"""The only reason to give up that leaves the attempt open: its payment may have succeeded."""

CollectionCommand = (
    StartCollection
    | StartAttempt
    | CollectNow
    | CompleteCollection
    | RecordAttemptDeclined
    | StopLookups
    | CancelCollection
)
CollectionEvent = (
    CollectionStarted
    | CollectionAttemptDue
    | CollectionAttemptStarted
    | CollectionCompleted
    | CollectionGaveUp
    | CollectionCancelled
)


def collection_id_of(invoice_id: str) -> str:
    """The id of the one collection of an invoice."""
    return derived_id("col", invoice_id)


def decide(collection: Collection, command: CollectionCommand) -> Sequence[CollectionEvent]:
    """The events that a command leads to: none when it is repeated or comes too late.

    Raises the refusals of CollectNow.
    """
    match command:
        case StartCollection():
            # A collection that was cancelled before it started is never started.
            return _start(command) if isinstance(collection, NoCollection) else []
        case StartAttempt():
            return _start_attempt(collection, command)
        case CollectNow():
            return [_collect_now(collection, command)]
        case CompleteCollection() | RecordAttemptDeclined() | StopLookups():
            if isinstance(collection, AttemptOpen) and collection.payment_id == command.payment_id:
                return _apply_outcome(collection, command)
            return []
        case CancelCollection():
            return [] if isinstance(collection, Cancelled) else [_cancelled(command)]


def evolve(collection: Collection, event: CollectionEvent) -> Collection:
    """The state after an event."""
    match collection, event:
        case NoCollection(), CollectionStarted():
            return AttemptScheduled(event, 1, event.started_at)
        case AttemptScheduled(), CollectionAttemptDue():
            return replace(collection, attempt=event.attempt, due_at=event.due_at)
        case AttemptOpen(), CollectionAttemptDue():
            used = collection.retries_used + (collection.interrupted is None)
            return AttemptScheduled(collection.receivable, event.attempt, event.due_at, used)
        case ((AttemptScheduled(receivable) | GivenUp(receivable)), CollectionAttemptStarted()):
            due_at = collection.due_at if isinstance(collection, AttemptScheduled) else event.started_at
            used, interrupted = collection.retries_used, collection if event.manual else None
            return AttemptOpen(receivable, event.attempt, event.payment_id, used, due_at, interrupted)
        case AttemptOpen(), CollectionGaveUp() if event.reason == PAYMENT_UNKNOWN:
            return replace(collection, lookups_exhausted=True)
        case ((AttemptScheduled() | AttemptOpen()), CollectionGaveUp()):
            return GivenUp(collection.receivable, collection.attempt, event.reason, collection.retries_used)
        case AttemptOpen(), CollectionCompleted():
            return Completed(collection.receivable, event.payment_id)
        case ((AttemptOpen(payment_id=payment_id) | Completed(payment_id=payment_id)), CollectionCancelled()):
            return Cancelled(payment_id)
        case _, CollectionCancelled():
            return Cancelled(None)
    raise ImpossibleHistory(collection, event)


COLLECTION: Decider[Collection, CollectionCommand, CollectionEvent] = Decider(NoCollection(), decide, evolve)


def _start(command: StartCollection) -> Sequence[CollectionEvent]:
    started = CollectionStarted(
        collection_id=collection_id_of(command.invoice_id),
        invoice_id=command.invoice_id,
        customer_id=command.customer_id,
        amount=command.amount,
        started_at=command.now,
    )
    return [started, _due(started, 1, command.now, "first_attempt")]


def _start_attempt(collection: Collection, command: StartAttempt) -> Sequence[CollectionEvent]:
    match collection:
        case AttemptScheduled(receivable, attempt) if attempt == command.attempt:
            if command.has_method:
                return [_attempt_started(receivable, attempt, False, command.now)]
            return [_gave_up(receivable, "no_payment_method", command.now)]
    return []


def _collect_now(collection: Collection, command: CollectNow) -> CollectionEvent:
    """A manual attempt; it uses up no retry of the dunning schedule (billing rule 14)."""
    match collection:
        case AttemptScheduled() | GivenUp() if not command.has_method:
            raise PaymentMethodIsMissing(collection.receivable.customer_id)
        case AttemptScheduled(receivable, attempt):
            return _attempt_started(receivable, attempt, True, command.now)
        case GivenUp(receivable, attempt):
            return _attempt_started(receivable, attempt + 1, True, command.now)
        case AttemptOpen():
            raise AttemptIsOpen(command.invoice_id)
        case Completed() | Cancelled():
            raise CollectionIsOver(command.invoice_id)
        case NoCollection():
            raise CollectionIsUnknown(command.invoice_id)


def _apply_outcome(
    open_attempt: AttemptOpen, command: CompleteCollection | RecordAttemptDeclined | StopLookups
) -> Sequence[CollectionEvent]:
    receivable = open_attempt.receivable
    match command:
        case CompleteCollection():
            return [
                CollectionCompleted(
                    collection_id=receivable.collection_id,
                    invoice_id=receivable.invoice_id,
                    payment_id=command.payment_id,
                    completed_at=command.now,
                )
            ]
        case RecordAttemptDeclined(hard=True):
            return [_gave_up(receivable, "hard_declined", command.now)]
        case RecordAttemptDeclined():
            return [_after_soft_decline(open_attempt, command)]
        case StopLookups() if open_attempt.lookups_exhausted:
            return []
        case StopLookups():
            # Given up, but left open: a second attempt could charge twice.
            return [_gave_up(receivable, PAYMENT_UNKNOWN, command.now)]


def _after_soft_decline(open_attempt: AttemptOpen, command: RecordAttemptDeclined) -> CollectionEvent:
    receivable, following = open_attempt.receivable, open_attempt.attempt + 1
    match open_attempt.interrupted:
        case AttemptScheduled(due_at=due_at):
            return _due(receivable, following, max(due_at, command.now), "schedule_resumed")
        case GivenUp(reason=reason):
            return _gave_up(receivable, reason, command.now)
        case None if open_attempt.retries_used < len(command.dunning):
            return _due(receivable, following, _next_retry_at(open_attempt, command), "soft_decline")
        case None:
            return _gave_up(receivable, "retries_exhausted", command.now)


def _next_retry_at(open_attempt: AttemptOpen, command: RecordAttemptDeclined) -> datetime:
    """The instant of the next retry: its distance from the previous one in the schedule (V72).

    The schedule counts from the first decline. A decline that is known so late that the next instant has
    passed is followed by the whole distance.
    """
    used, dunning = open_attempt.retries_used, command.dunning
    if used == 0:
        return command.now + dunning[0]
    distance = dunning[used] - dunning[used - 1]
    scheduled_at = open_attempt.due_at + distance
    return scheduled_at if scheduled_at > command.now else command.now + distance


def _due(receivable: CollectionStarted, attempt: int, due_at: datetime, reason: str) -> CollectionAttemptDue:
    return CollectionAttemptDue(
        collection_id=receivable.collection_id, attempt=attempt, due_at=due_at, reason=reason
    )


def _attempt_started(
    receivable: CollectionStarted, attempt: int, manual: bool, now: datetime
) -> CollectionAttemptStarted:
    return CollectionAttemptStarted(
        collection_id=receivable.collection_id,
        invoice_id=receivable.invoice_id,
        attempt=attempt,
        payment_id=payment_id_of(receivable.invoice_id, attempt),
        manual=manual,
        started_at=now,
    )


def _gave_up(receivable: CollectionStarted, reason: str, now: datetime) -> CollectionGaveUp:
    return CollectionGaveUp(
        collection_id=receivable.collection_id,
        invoice_id=receivable.invoice_id,
        customer_id=receivable.customer_id,
        amount=receivable.amount,
        reason=reason,
        gave_up_at=now,
    )


def _cancelled(command: CancelCollection) -> CollectionCancelled:
    collection_id = collection_id_of(command.invoice_id)
    return CollectionCancelled(
        collection_id=collection_id, invoice_id=command.invoice_id, cancelled_at=command.now
    )
