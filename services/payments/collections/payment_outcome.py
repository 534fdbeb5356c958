"""What a gateway said about a payment, and what follows from it for the saga."""

from services.payments.collections.commands import CompleteCollection, RecordAttemptDeclined, StopLookups
from services.payments.collections.compensation import compensate
from services.payments.collections.decider import COLLECTION
from services.payments.collections.state import Cancelled
from services.payments.gateways.port import Captured, CaptureOutcome, ChargeNotFound, Declined, UnknownOutcome
from services.payments.payments.commands import RecordCapture, RecordDecline, RecordUnknownOutcome
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import NoPayment, Submitted, Unknown
from services.payments.payments.timers import schedule_attempt, schedule_capture
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.payments.collections import CollectionAttemptDue
from shared.billing.contracts.payments.payments import PaymentUnknown
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.unit_of_work import Session

NEVER_CHARGED = "never_charged"
"""The decline code of an attempt that was not wanted any more, and that its gateway never heard of."""


async def apply_payment_outcome(
    session: Session, payment_id: str, outcome: CaptureOutcome, policy: RetryPolicy
) -> None:
    """Write the answer down and let the saga go on from it."""
    match outcome:
        case Captured(reference):
            await _captured(session, payment_id, reference)
        case Declined(code, hard):
            await _declined(session, payment_id, code, hard, policy)
        case UnknownOutcome(cause):
            if not await _schedule_lookup(session, payment_id, cause, policy):
                await _stop_lookups(session, payment_id, policy)
        case ChargeNotFound():
            if not await _schedule_lookup(session, payment_id, "not_found", policy):
                await _declined(session, payment_id, NEVER_CHARGED, False, policy)


async def _captured(session: Session, payment_id: str, reference: str) -> None:
    command = RecordCapture(reference=reference, now=session.now)
    await session.handle(PAYMENT, payment_id, command)
    collection_id = await _collection_of(session, payment_id)
    await session.handle(
        COLLECTION, collection_id, CompleteCollection(payment_id=payment_id, now=session.now)
    )
    await compensate(session, collection_id)


async def _declined(session: Session, payment_id: str, code: str, hard: bool, policy: RetryPolicy) -> None:
    await session.handle(PAYMENT, payment_id, RecordDecline(code=code, hard=hard, now=session.now))
    command = RecordAttemptDeclined(payment_id=payment_id, hard=hard, dunning=policy.dunning, now=session.now)
    for event in await session.handle(COLLECTION, await _collection_of(session, payment_id), command):
        if isinstance(event, CollectionAttemptDue):
            schedule_attempt(session, event)


async def _schedule_lookup(session: Session, payment_id: str, cause: str, policy: RetryPolicy) -> bool:
    """Put the next question off to its moment; False when we have asked often enough."""
    command = RecordUnknownOutcome(cause=cause, checks=policy.checks, now=session.now)
    for event in await session.handle(PAYMENT, payment_id, command):
        if isinstance(event, PaymentUnknown):
            schedule_capture(session, payment_id, event.check_at)
            return True
    payment = await session.state(PAYMENT, payment_id)
    return not isinstance(payment, Submitted | Unknown)


async def _stop_lookups(session: Session, payment_id: str, policy: RetryPolicy) -> None:
    """Say that the outcome is not known; money that may have to go back is asked about for ever."""
    collection_id = await _collection_of(session, payment_id)
    await session.handle(COLLECTION, collection_id, StopLookups(payment_id=payment_id, now=session.now))
    collection = await session.state(COLLECTION, collection_id)
    if isinstance(collection, Cancelled):
        schedule_capture(session, payment_id, session.now + policy.checks[-1])


async def _collection_of(session: Session, payment_id: str) -> str:
    payment = await session.state(PAYMENT, payment_id)
    if isinstance(payment, NoPayment):
        raise ImpossibleHistory(payment_id)
    return payment.order.collection_id
