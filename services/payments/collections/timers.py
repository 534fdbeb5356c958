"""The timers of collections: a scheduled attempt is due; a payment is to be captured or looked up.

A capture has three steps: PaymentSubmitted is committed; the gateway is called, with no transaction open;
the outcome is committed. If the process ends between two of them, the payment is found submitted and is
looked up first. Only a payment that the gateway does not have is captured again, under the same key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.payments.collections.commands import StartAttempt
from services.payments.collections.decider import COLLECTION
from services.payments.collections.handlers import MANUAL, start_attempt
from services.payments.collections.payment_outcome import apply_payment_outcome
from services.payments.collections.state import Cancelled
from services.payments.gateways.port import (
    CaptureOutcome,
    ChargeNotFound,
    GatewayPaymentMethod,
    Gateways,
    UnknownOutcome,
)
from services.payments.payment_methods.decider import ACCOUNT, PaymentAccount, payment_account_id
from services.payments.payments.commands import SubmitPayment
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import Requested, Submitted, Unknown
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.payments.payments import PaymentRequested
from shared.framework.core.clock import Clock
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.ports import EventStore
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, transact
from shared.framework.timers.timer import metadata_at_firing

T = TypeVar("T")


async def on_attempt_due(session: Session, timer: Timer, _: object) -> None:
    """Start the scheduled attempt."""
    command = StartAttempt(attempt=timer.payload["attempt"], now=session.now)
    await start_attempt(session, timer.payload["collection_id"], command)


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """The next call of a gateway for one payment.

    `is_first`: the gateway was never called for it. `may_capture`: its invoice is not voided.
    """

    order: PaymentRequested
    method: GatewayPaymentMethod
    is_first: bool
    may_capture: bool


@dataclass(frozen=True, slots=True)
class CaptureTimer:
    """The handler of capture timers: a remote call, and the record of its outcome."""

    store: EventStore
    clock: Clock
    gateways: Gateways
    policy: RetryPolicy

    async def call_gateway(self, timer: Timer) -> CaptureOutcome | None:
        """Capture the payment, or look it up; None if its outcome is known already."""
        request = await self._in_session(timer, _prepare)
        if request is None:
            return None
        gateway, order = self.gateways[request.order.gateway], request.order
        if not request.is_first:
            outcome = await gateway.lookup(order.gateway_key)
            if not (isinstance(outcome, ChargeNotFound) and request.may_capture):
                return outcome
            await self._in_session(timer, _submit)
        return await gateway.capture(order.amount, request.method, order.gateway_key)

    async def record_outcome(self, session: Session, timer: Timer, outcome: CaptureOutcome | None) -> None:
        """Apply the outcome; of a manual lookup only a conclusive one."""
        inconclusive = isinstance(outcome, UnknownOutcome | ChargeNotFound)
        if outcome is not None and not (inconclusive and timer.payload.get(MANUAL)):
            await apply_payment_outcome(session, timer.payload["payment_id"], outcome, self.policy)

    async def _in_session(self, timer: Timer, step: Callable[[Session, str], Awaitable[T]]) -> T:
        async def work(unit: UnitOfWork) -> T:
            session = unit.session(timer.tenant_id, metadata_at_firing(timer, self.clock))
            return await step(session, timer.payload["payment_id"])

        result, _ = await transact(self.store, work)
        return result


async def _prepare(session: Session, payment_id: str) -> CaptureRequest | None:
    payment = await session.state(PAYMENT, payment_id)
    if not isinstance(payment, Requested | Submitted | Unknown):
        return None
    order = payment.order
    if isinstance(payment, Requested):
        await _submit(session, payment_id)
    account = await session.state(ACCOUNT, payment_account_id(order.customer_id))
    if not isinstance(account, PaymentAccount):
        raise ImpossibleHistory(account, order)
    collection = await session.state(COLLECTION, order.collection_id)
    return CaptureRequest(
        order=order,
        method=GatewayPaymentMethod(order.method_id, account.method(order.method_id).token),
        is_first=isinstance(payment, Requested),
        may_capture=not isinstance(collection, Cancelled),
    )


async def _submit(session: Session, payment_id: str) -> None:
    await session.handle(PAYMENT, payment_id, SubmitPayment(now=session.now))
