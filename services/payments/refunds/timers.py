"""The timer of refunds: a gateway is called to send the money of a payment back, until it confirms."""

from dataclasses import dataclass
from datetime import datetime

from services.payments.gateways.port import Gateways, RefundConfirmed, UnknownOutcome
from services.payments.payments.commands import ConfirmRefund
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import Refunding
from services.payments.retry_policy import RetryPolicy
from shared.framework.core.ids import derived_id
from shared.framework.eventstore.ports import EventStore
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork

REFUND = "refund"
"""Timer purpose: a refund is to be requested from the gateway."""


def schedule_refund(session: Session, payment_id: str, at: datetime, tries: int) -> None:
    """Request the refund at that instant; `tries` counts the requests before."""
    timer_id = derived_id("tmr", payment_id, REFUND, str(tries))
    session.schedule(timer_id, at, REFUND, {"payment_id": payment_id, "tries": tries})


@dataclass(frozen=True, slots=True)
class RefundTimer:
    """The handler of refund timers. A refund may be requested again: its key moves money once."""

    store: EventStore
    gateways: Gateways
    policy: RetryPolicy

    async def call_gateway(self, timer: Timer) -> RefundConfirmed | UnknownOutcome | None:
        """Request the refund; None if it is confirmed already."""
        session = UnitOfWork(self.store).session(timer.tenant_id, timer.metadata)
        payment = await session.state(PAYMENT, timer.payload["payment_id"])
        if not isinstance(payment, Refunding):
            return None
        gateway, refund = self.gateways[payment.order.gateway], payment.refund
        return await gateway.refund(payment.reference, refund.amount, refund.gateway_key)

    async def record_outcome(
        self, session: Session, timer: Timer, outcome: RefundConfirmed | UnknownOutcome | None
    ) -> None:
        """Record the confirmation; after an unknown outcome schedule the next request, without a limit."""
        payment_id, tries = timer.payload["payment_id"], timer.payload["tries"]
        if isinstance(outcome, RefundConfirmed):
            command = ConfirmRefund(reference=outcome.reference, now=session.now)
            await session.handle(PAYMENT, payment_id, command)
        elif isinstance(outcome, UnknownOutcome):
            pauses = self.policy.refund_pauses
            pause = pauses[min(tries, len(pauses) - 1)]
            schedule_refund(session, payment_id, session.now + pause, tries + 1)
