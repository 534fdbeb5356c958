"""Collections, one row for each invoice, with the next attempt or the outcome."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
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

CollectionEvent = (
    CollectionStarted
    | CollectionAttemptDue
    | CollectionAttemptStarted
    | CollectionCompleted
    | CollectionGaveUp
    | CollectionCancelled
)


class CollectionStatus(StrEnum):
    """The state of a collection."""

    OPEN = "open"
    COMPLETED = "completed"
    GAVE_UP = "gave_up"
    CANCELLED = "cancelled"


class CollectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: open, completed, gave_up or cancelled.

    `attempt` is the last one that was started or scheduled, `manual` whether it is outside the schedule;
    `next_attempt_at` is None while it is open, also while its outcome is unknown.
    """

    collection_id: str
    invoice_id: str
    customer_id: str
    amount: Money
    started_at: datetime
    status: CollectionStatus = CollectionStatus.OPEN
    attempt: int = 0
    manual: bool = False
    next_attempt_at: datetime | None = None
    reason: str | None = None
    payment_id: str | None = None
    closed_at: datetime | None = None


def fold(row: CollectionRow | None, event: CollectionEvent, _: DecodedEvent) -> CollectionRow | None:
    """The row after an event; a collection that gave up opens again when another attempt is requested."""
    match row, event:
        case None, CollectionCancelled():
            return None  # its invoice was voided before the collection started, so it never starts
        case None, CollectionStarted():
            return row_from(CollectionRow, event)
        case CollectionRow(), CollectionAttemptDue():
            return msgspec.structs.replace(
                row,
                status=CollectionStatus.OPEN,
                attempt=event.attempt,
                manual=False,
                next_attempt_at=event.due_at,
                reason=event.reason,
                closed_at=None,
            )
        case CollectionRow(), CollectionAttemptStarted():
            return msgspec.structs.replace(
                row,
                status=CollectionStatus.OPEN,
                attempt=event.attempt,
                manual=event.manual,
                next_attempt_at=None,
                closed_at=None,
            )
        case CollectionRow(), CollectionCompleted():
            how = {"payment_id": event.payment_id, "reason": None}
            return _closed(row, CollectionStatus.COMPLETED, event.completed_at, **how)
        case CollectionRow(), CollectionGaveUp():
            return _closed(row, CollectionStatus.GAVE_UP, event.gave_up_at, reason=event.reason)
        case CollectionRow(), CollectionCancelled():
            return _closed(row, CollectionStatus.CANCELLED, event.cancelled_at, reason=None)
    raise ImpossibleHistory(row, event)


def _closed(
    row: CollectionRow, status: CollectionStatus, closed_at: datetime, **how: str | None
) -> CollectionRow:
    return msgspec.structs.replace(row, status=status, closed_at=closed_at, next_attempt_at=None, **how)


COLLECTIONS = ReadModel(
    name="collections",
    version=3,
    row=CollectionRow,
    events=get_args(CollectionEvent),
    targets=single_row("collection_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("invoice_id", "customer_id", "status"),
    owner="customer_id",
    source=StreamSource,
)
