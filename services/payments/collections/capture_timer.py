"""Taking money in three phases: say that we ask, ask with nothing locked, write down what we heard.

The process may die between any two of them. Whoever finds a payment that was submitted asks what became
of it; only a gateway that knows nothing of the key is asked for the money again, under the same key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from services.payments.collections.decider import COLLECTION
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
from services.payments.payments.timers import MANUAL
from services.payments.retry_policy import RetryPolicy
from shared.billing.contracts.payments.payments import PaymentRequested
from shared.framework.core.clock import Clock
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.eventstore.ports import EventStore
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, transact
from shared.framework.timers.timer import metadata_at_firing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to ask a gateway: `fresh` was never asked before, `wanted` money may still be taken."""

    order: PaymentRequested
    card: GatewayPaymentMethod
    fresh: bool
    wanted: bool


@dataclass(frozen=True, slots=True)
class CaptureTimer:
    """The capture timer's two halves."""

    store: EventStore
    clock: Clock
    gateways: Gateways
    policy: RetryPolicy

    async def call_gateway(self, timer: Timer) -> CaptureOutcome | None:
        """The remote half: None when there is nothing to ask any more."""
        question = await self._in_session(timer, _prepare)
        if question is None:
            return None
        gateway, order = self.gateways[question.order.gateway], question.order
        if not question.fresh:
            outcome = await gateway.lookup(order.gateway_key)
            if not (isinstance(outcome, ChargeNotFound) and question.wanted):
                return outcome
            await self._in_session(timer, _submit)
        return await gateway.capture(order.amount, question.card, order.gateway_key)

    async def record_outcome(self, session: Session, timer: Timer, outcome: CaptureOutcome | None) -> None:
        """The deciding half, in the transaction that finishes the timer."""
        heard = outcome is not None and not isinstance(outcome, UnknownOutcome | ChargeNotFound)
        if outcome is not None and (heard or not timer.payload.get(MANUAL)):
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
        card=GatewayPaymentMethod(order.method_id, account.method(order.method_id).token),
        fresh=isinstance(payment, Requested),
        wanted=not isinstance(collection, Cancelled),
    )


async def _submit(session: Session, payment_id: str) -> None:
    await session.handle(PAYMENT, payment_id, SubmitPayment(now=session.now))
