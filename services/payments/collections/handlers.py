"""The steps of the collection saga; each is one transaction, which also holds the timers of the next step."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from services.payments.collections.commands import CancelCollection, CollectNow, StartAttempt, StartCollection
from services.payments.collections.decider import COLLECTION, collection_id_of
from services.payments.collections.refusals import AttemptIsOpen
from services.payments.collections.state import AttemptOpen, AttemptScheduled, Cancelled, Collection, GivenUp
from services.payments.payment_methods.decider import (
    ACCOUNT,
    AttachPaymentMethod,
    LeaveUnpaid,
    PaymentAccount,
    payment_account_id,
)
from services.payments.payments.commands import AbandonPayment, RequestPayment, RequestRefund
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import Refunding, Requested, Submitted, Unknown
from services.payments.refunds.timers import schedule_refund
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionAttemptStarted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.billing.contracts.payments.payment_methods import PaymentMethodAttached
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.records import EventRecord, Timer
from shared.framework.eventstore.unit_of_work import Session

INVOICE_VOIDED = "invoice_voided"
"""The reason of a refund: the invoice is not owed any more."""

ATTEMPT = "attempt"
"""Timer purpose: the next scheduled attempt may start."""

CAPTURE = "capture"
"""Timer purpose: a payment is to be captured, or looked up if it may have been captured already."""

NEW_METHOD = "attempt-with-new-method"
"""Timer purpose: the customer's newest payment method is tried on an unpaid invoice."""

MANUAL = "manual"
"""In a capture timer's payload: requested by a caller, so it uses up none of the lookup pauses."""


@dataclass(frozen=True, slots=True)
class CollectionTriggered:
    """The result of a manual collection: a new attempt, or a lookup of the open one."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    action: Literal["capture", "lookup"]


async def on_invoice_finalized(session: Session, event: InvoiceFinalized, _: EventRecord) -> None:
    """Start the collection and its first attempt, if anything is due."""
    if event.amount_due.minor <= 0:
        return
    collection_id = collection_id_of(event.invoice_id)
    command = StartCollection(
        invoice_id=event.invoice_id,
        customer_id=event.customer_id,
        amount=event.amount_due,
        now=session.now,
    )
    if await session.handle(COLLECTION, collection_id, command):
        await start_attempt(session, collection_id, StartAttempt(attempt=1, now=session.now))


async def on_invoice_voided(session: Session, event: InvoiceVoided, _: EventRecord) -> None:
    """Cancel the collection and send back what was taken.

    A payment whose lookups are exhausted is looked up again: its money may have to go back.
    """
    collection_id = collection_id_of(event.invoice_id)
    before = await session.state(COLLECTION, collection_id)
    command = CancelCollection(invoice_id=event.invoice_id, now=session.now)
    await session.handle(COLLECTION, collection_id, command)
    await compensate(session, collection_id)
    if isinstance(before, AttemptOpen) and before.lookups_exhausted:
        schedule_capture(session, before.payment_id, session.now)


async def collect_manually(session: Session, invoice_id: str) -> CollectionTriggered:
    """Start an attempt outside the schedule; look up the open attempt instead if its outcome is unknown."""
    collection_id = collection_id_of(invoice_id)
    unknown = await _payment_with_unknown_outcome(session, await session.state(COLLECTION, collection_id))
    if unknown is not None:
        schedule_capture(session, unknown, session.now, manual=True)
        return CollectionTriggered(invoice_id, unknown, None, "lookup")
    command = CollectNow(invoice_id=invoice_id, now=session.now)
    started = await start_attempt(session, collection_id, command)
    if started is None:
        raise AttemptIsOpen(invoice_id)
    return CollectionTriggered(invoice_id, started.payment_id, started.attempt, "capture")


@dataclass(frozen=True, slots=True)
class MethodAttachment:
    """Attaches payment methods; by policy a new one is tried on what the one before it did not pay."""

    policy: RetryPolicy

    async def attach(self, session: Session, command: AttachPaymentMethod) -> None:
        """Make a method the customer's default, and try it on unpaid invoices. Raises CustomerIsUnknown."""
        account_id = payment_account_id(command.customer_id)
        account = await session.state(ACCOUNT, account_id)
        if await session.handle(ACCOUNT, account_id, command) and self.policy.tries_new_methods:
            for invoice_id in account.unpaid:
                schedule_new_method(session, invoice_id, command.method_id)


async def after_decline(
    session: Session, receivable: CollectionStarted, method_id: str, policy: RetryPolicy
) -> None:
    """After a declined attempt with this method: leave the invoice to the next method.

    If the customer has another default by now, it is tried at once.
    """
    account = await session.state(ACCOUNT, payment_account_id(receivable.customer_id))
    default = account.default if isinstance(account, PaymentAccount) else None
    if policy.tries_new_methods and default is not None and default.method_id != method_id:
        schedule_new_method(session, receivable.invoice_id, default.method_id)
    else:
        await _leave_unpaid(session, receivable.customer_id, receivable.invoice_id)


async def _leave_unpaid(session: Session, customer_id: str, invoice_id: str) -> None:
    command = LeaveUnpaid(customer_id=customer_id, invoice_id=invoice_id, now=session.now)
    await session.handle(ACCOUNT, payment_account_id(customer_id), command)


async def try_new_method(session: Session, timer: Timer, _: Any) -> None:
    """Make an attempt outside the schedule, unless one is open or nothing is to be collected any more."""
    invoice_id = timer.payload["invoice_id"]
    collection_id = collection_id_of(invoice_id)
    collection = await session.state(COLLECTION, collection_id)
    if isinstance(collection, AttemptScheduled | GivenUp):
        await start_attempt(session, collection_id, CollectNow(invoice_id=invoice_id, now=session.now))


async def start_attempt(
    session: Session, collection_id: str, command: StartAttempt | CollectNow
) -> CollectionAttemptStarted | None:
    """Start an attempt with the customer's default payment method and request its payment.

    Returns None if no attempt is started; without a method the invoice is left to the next one. Raises what
    `decide` refuses.
    """
    method = await _default_method(session, await session.state(COLLECTION, collection_id))
    command = replace(command, has_method=method is not None)
    for event in await session.handle(COLLECTION, collection_id, command):
        if isinstance(event, CollectionAttemptStarted) and method is not None:
            await _request_payment(session, event, method)
            return event
        if isinstance(event, CollectionGaveUp):
            await _leave_unpaid(session, event.customer_id, event.invoice_id)
    return None


async def compensate(session: Session, collection_id: str) -> None:
    """If the collection is cancelled: abandon its payment, or refund it if it succeeded.

    A payment with unknown outcome is left to its lookups; when one finds a charge, this is called again.
    """
    collection = await session.state(COLLECTION, collection_id)
    if not isinstance(collection, Cancelled) or collection.payment_id is None:
        return
    payment_id = collection.payment_id
    await session.handle(PAYMENT, payment_id, AbandonPayment(now=session.now))
    command = RequestRefund(refund_id=derived_id("ref", payment_id), reason=INVOICE_VOIDED, now=session.now)
    if await session.handle(PAYMENT, payment_id, command):
        schedule_refund(session, payment_id, session.now, tries=0)


async def resume_collection(session: Session, collection_id: str) -> None:
    """Schedule the next attempt of a collection that was put back."""
    collection = await session.state(COLLECTION, collection_id)
    if isinstance(collection, AttemptScheduled):
        _schedule_attempt_at(session, collection_id, collection.attempt, collection.due_at)


async def resume_payment(session: Session, payment_id: str) -> None:
    """Call the gateway again for an open payment that was put back: to capture, look up or refund it."""
    payment = await session.state(PAYMENT, payment_id)
    if isinstance(payment, Requested | Submitted | Unknown):
        schedule_capture(session, payment_id, session.now)
    elif isinstance(payment, Refunding):
        schedule_refund(session, payment_id, session.now, tries=0)


def schedule_attempt(session: Session, due: CollectionAttemptDue) -> None:
    """Start this attempt when it is due; the timer's id is derived, so repeating the call changes nothing."""
    _schedule_attempt_at(session, due.collection_id, due.attempt, due.due_at)


def _schedule_attempt_at(session: Session, collection_id: str, attempt: int, due_at: datetime) -> None:
    timer_id = derived_id("tmr", collection_id, ATTEMPT, str(attempt))
    session.schedule(timer_id, due_at, ATTEMPT, {"collection_id": collection_id, "attempt": attempt})


def schedule_new_method(session: Session, invoice_id: str, method_id: str) -> None:
    """Try a payment method on an unpaid invoice; once, because the timer's id is derived."""
    timer_id = derived_id("tmr", collection_id_of(invoice_id), NEW_METHOD, method_id)
    session.schedule(timer_id, session.now, NEW_METHOD, {"invoice_id": invoice_id})


def schedule_capture(session: Session, payment_id: str, at: datetime, *, manual: bool = False) -> None:
    """Call the gateway at that instant: to capture the payment, or to look up its outcome."""
    timer_id = derived_id("tmr", payment_id, CAPTURE, at.isoformat())
    session.schedule(timer_id, at, CAPTURE, {"payment_id": payment_id, MANUAL: manual})


async def _request_payment(
    session: Session, started: CollectionAttemptStarted, method: PaymentMethodAttached
) -> None:
    collection = await session.state(COLLECTION, started.collection_id)
    if not isinstance(collection, AttemptOpen):
        raise ImpossibleHistory(collection, started)
    command = RequestPayment(
        payment_id=started.payment_id,
        collection_id=started.collection_id,
        invoice_id=started.invoice_id,
        customer_id=method.customer_id,
        attempt=started.attempt,
        amount=collection.receivable.amount,
        method_id=method.method_id,
        gateway=method.gateway,
        now=session.now,
    )
    await session.handle(PAYMENT, started.payment_id, command)
    schedule_capture(session, started.payment_id, session.now)


async def _default_method(session: Session, collection: Collection) -> PaymentMethodAttached | None:
    if not isinstance(collection, AttemptScheduled | GivenUp):
        return None
    account = await session.state(ACCOUNT, payment_account_id(collection.receivable.customer_id))
    return account.default if isinstance(account, PaymentAccount) else None


async def _payment_with_unknown_outcome(session: Session, collection: Collection) -> str | None:
    if not isinstance(collection, AttemptOpen | Cancelled) or collection.payment_id is None:
        return None
    payment = await session.state(PAYMENT, collection.payment_id)
    exhausted = isinstance(collection, AttemptOpen) and collection.lookups_exhausted
    unknown = isinstance(payment, Unknown) or (exhausted and isinstance(payment, Submitted))
    return collection.payment_id if unknown else None
