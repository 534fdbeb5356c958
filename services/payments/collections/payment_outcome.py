"""The outcome of a gateway call, applied to its payment and to the collection that requested it."""

from services.payments.collections.commands import CompleteCollection, RecordAttemptDeclined, StopLookups
from services.payments.collections.decider import COLLECTION
from services.payments.collections.handlers import (
    after_decline,
    compensate,
    schedule_attempt,
    schedule_capture,
)
from services.payments.collections.state import AttemptScheduled, Cancelled, GivenUp
from services.payments.gateways.port import Captured, CaptureOutcome, ChargeNotFound, Declined, UnknownOutcome
from services.payments.payments.commands import RecordCapture, RecordDecline, RecordUnknownOutcome
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import NoPayment, Submitted, Unknown
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.payments.collections import CollectionAttemptDue
from shared.billing.contracts.payments.payments import PaymentRequested, PaymentUnknown
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.unit_of_work import Session

NEVER_CHARGED = "never_charged"
"""The decline code of a payment of a cancelled collection that the gateway never received."""


async def apply_payment_outcome(
    session: Session, payment_id: str, outcome: CaptureOutcome, policy: RetryPolicy
) -> None:
    """Record the outcome of a payment, and do the next step of its collection."""
    payment = await session.state(PAYMENT, payment_id)
    if isinstance(payment, NoPayment):
        raise ImpossibleHistory(payment_id)
    order = payment.order
    match outcome:
        case Captured(reference):
            await _captured(session, order, reference)
        case Declined(code, hard):
            await _declined(session, order, code, hard, policy)
        case UnknownOutcome(cause):
            if not await _schedule_lookup(session, payment_id, cause, policy):
                await _stop_lookups(session, order, policy)
        case ChargeNotFound():
            if not await _schedule_lookup(session, payment_id, "not_found", policy):
                await _declined(session, order, NEVER_CHARGED, False, policy)


async def _captured(session: Session, order: PaymentRequested, reference: str) -> None:
    await session.handle(PAYMENT, order.payment_id, RecordCapture(reference=reference, now=session.now))
    command = CompleteCollection(payment_id=order.payment_id, now=session.now)
    await session.handle(COLLECTION, order.collection_id, command)
    await compensate(session, order.collection_id)


async def _declined(
    session: Session, order: PaymentRequested, code: str, hard: bool, policy: RetryPolicy
) -> None:
    await session.handle(PAYMENT, order.payment_id, RecordDecline(code=code, hard=hard, now=session.now))
    command = RecordAttemptDeclined(
        payment_id=order.payment_id, hard=hard, dunning=policy.dunning, now=session.now
    )
    events = await session.handle(COLLECTION, order.collection_id, command)
    for event in events:
        if isinstance(event, CollectionAttemptDue):
            schedule_attempt(session, event)
    collection = await session.state(COLLECTION, order.collection_id)
    if events and isinstance(collection, AttemptScheduled | GivenUp):
        await after_decline(session, collection.receivable, order.method_id, policy)


async def _schedule_lookup(session: Session, payment_id: str, cause: str, policy: RetryPolicy) -> bool:
    """Record the unknown outcome and schedule the next lookup; False if no lookup pause is left."""
    command = RecordUnknownOutcome(cause=cause, lookup_pauses=policy.lookup_pauses, now=session.now)
    for event in await session.handle(PAYMENT, payment_id, command):
        if isinstance(event, PaymentUnknown):
            schedule_capture(session, payment_id, event.check_at)
            return True
    payment = await session.state(PAYMENT, payment_id)
    return not isinstance(payment, Submitted | Unknown)


async def _stop_lookups(session: Session, order: PaymentRequested, policy: RetryPolicy) -> None:
    """Give the collection up; of a cancelled one the lookups go on, because its money may have to go back."""
    command = StopLookups(payment_id=order.payment_id, now=session.now)
    await session.handle(COLLECTION, order.collection_id, command)
    collection = await session.state(COLLECTION, order.collection_id)
    if isinstance(collection, Cancelled):
        schedule_capture(session, order.payment_id, session.now + policy.lookup_pauses[-1])
