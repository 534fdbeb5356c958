"""The collection saga's steps: each is one transaction, and what it puts off is in the same one."""

from dataclasses import dataclass
from typing import Literal

from services.payments.collections.commands import CancelCollection, CollectNow, StartAttempt, StartCollection
from services.payments.collections.compensation import compensate
from services.payments.collections.decider import COLLECTION, collection_id_of
from services.payments.collections.refusals import AttemptIsOpen
from services.payments.collections.state import AttemptOpen, AttemptScheduled, Cancelled, Collection, GivenUp
from services.payments.payment_methods.decider import (
    ACCOUNT,
    PaymentAccount,
    PaymentMethod,
    payment_account_id,
)
from services.payments.payments.commands import RequestPayment
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import Submitted, Unknown
from services.payments.payments.timers import schedule_capture
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.billing.contracts.payments.collections import CollectionAttemptStarted
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class CollectionTriggered:
    """What a manual collection set going: a new attempt, or a question about the one that is open."""

    invoice_id: str
    payment_id: str
    attempt: int | None
    action: Literal["capture", "lookup"]


async def start_collecting(session: Session, finalized: InvoiceFinalized) -> None:
    """Begin to collect an invoice; its first attempt begins at once."""
    collection_id = collection_id_of(finalized.invoice_id)
    command = StartCollection(
        collection_id=collection_id,
        invoice_id=finalized.invoice_id,
        customer_id=finalized.customer_id,
        amount=finalized.amount_due,
        now=session.now,
    )
    if await session.handle(COLLECTION, collection_id, command):
        await start_attempt(session, collection_id, 1)


async def collect_manually(session: Session, invoice_id: str) -> CollectionTriggered:
    """Make an attempt outside the schedule; if one is open and in doubt, ask about it instead."""
    collection_id = collection_id_of(invoice_id)
    collection = await session.state(COLLECTION, collection_id)
    doubtful = await _payment_with_unknown_outcome(session, collection)
    if doubtful is not None:
        schedule_capture(session, doubtful, session.now, manual=True)
        return CollectionTriggered(invoice_id, doubtful, None, "lookup")
    method = await _method_for(session, collection)
    command = CollectNow(invoice_id=invoice_id, has_method=method is not None, now=session.now)
    for event in await session.handle(COLLECTION, collection_id, command):
        if isinstance(event, CollectionAttemptStarted) and method is not None:
            await _request_payment(session, event, method)
            return CollectionTriggered(invoice_id, event.payment_id, event.attempt, "capture")
    raise AttemptIsOpen(invoice_id)


async def stop_collecting(session: Session, voided: InvoiceVoided) -> None:
    """The invoice is not owed: no further attempt, and what was taken goes back.

    An attempt that we had stopped asking about is asked about again: its money may have to go back.
    """
    collection_id = collection_id_of(voided.invoice_id)
    before = await session.state(COLLECTION, collection_id)
    command = CancelCollection(collection_id=collection_id, invoice_id=voided.invoice_id, now=session.now)
    await session.handle(COLLECTION, collection_id, command)
    await compensate(session, collection_id)
    if isinstance(before, AttemptOpen) and before.silent:
        schedule_capture(session, before.payment_id, session.now)


async def start_attempt(session: Session, collection_id: str, attempt: int) -> None:
    """Start an attempt of the schedule, with the customer's default payment method."""
    collection = await session.state(COLLECTION, collection_id)
    method = await _method_for(session, collection)
    command = StartAttempt(attempt=attempt, has_method=method is not None, now=session.now)
    for event in await session.handle(COLLECTION, collection_id, command):
        if isinstance(event, CollectionAttemptStarted) and method is not None:
            await _request_payment(session, event, method)


async def _request_payment(
    session: Session, started: CollectionAttemptStarted, method: PaymentMethod
) -> None:
    collection = await session.state(COLLECTION, started.collection_id)
    if not isinstance(collection, AttemptOpen):
        raise ImpossibleHistory(collection, started)
    command = RequestPayment(
        payment_id=started.payment_id,
        collection_id=started.collection_id,
        invoice_id=started.invoice_id,
        customer_id=collection.debt.customer_id,
        attempt=started.attempt,
        amount=collection.debt.amount,
        method_id=method.method_id,
        gateway=method.gateway,
        now=session.now,
    )
    await session.handle(PAYMENT, started.payment_id, command)
    schedule_capture(session, started.payment_id, session.now)


async def _method_for(session: Session, collection: Collection) -> PaymentMethod | None:
    if not isinstance(collection, AttemptScheduled | GivenUp):
        return None
    account = await session.state(ACCOUNT, payment_account_id(collection.debt.customer_id))
    return account.default if isinstance(account, PaymentAccount) else None


async def _payment_with_unknown_outcome(session: Session, collection: Collection) -> str | None:
    if not isinstance(collection, AttemptOpen | Cancelled) or collection.payment_id is None:
        return None
    payment = await session.state(PAYMENT, collection.payment_id)
    silent = isinstance(collection, AttemptOpen) and collection.silent
    in_doubt = isinstance(payment, Unknown) or (silent and isinstance(payment, Submitted))
    return collection.payment_id if in_doubt else None
