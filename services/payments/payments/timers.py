"""What payments puts off: each timer's id is derived from its cause, so putting it off twice is once."""

from datetime import datetime

from shared.billing.contracts.payments.collections import CollectionAttemptDue
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.unit_of_work import Session

ATTEMPT = "attempt"
"""Dunning: the next scheduled attempt may begin."""

CAPTURE = "capture"
"""A payment is to be taken, or looked for if it may have been taken already."""

REFUND = "refund"
"""Money is to be sent back."""

MANUAL = "manual"
"""In a capture's payload: asked for by somebody, so silence uses up nothing of the schedule."""


def schedule_attempt(session: Session, due: CollectionAttemptDue) -> None:
    """Begin this attempt when its moment comes."""
    timer_id = derived_id("tmr", due.collection_id, ATTEMPT, str(due.attempt))
    payload = {"collection_id": due.collection_id, "attempt": due.attempt}
    session.schedule(timer_id, due.due_at, ATTEMPT, payload)


def schedule_capture(session: Session, payment_id: str, at: datetime, *, manual: bool = False) -> None:
    """Ask the gateway at that moment: for the money, or for what became of it."""
    timer_id = derived_id("tmr", payment_id, CAPTURE, at.isoformat())
    session.schedule(timer_id, at, CAPTURE, {"payment_id": payment_id, MANUAL: manual})


def schedule_refund(session: Session, payment_id: str, at: datetime, tries: int) -> None:
    """Ask the gateway for a refund, for the `tries`-th time again (0: the first time)."""
    timer_id = derived_id("tmr", payment_id, REFUND, str(tries))
    session.schedule(timer_id, at, REFUND, {"payment_id": payment_id, "tries": tries})
