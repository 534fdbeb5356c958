"""Giving money back: it was taken for an invoice that is not owed any more."""

from dataclasses import dataclass

from services.payments.gateways.port import Gateways, RefundConfirmed, UnknownOutcome
from services.payments.payments.commands import ConfirmRefund
from services.payments.payments.decider import PAYMENT
from services.payments.payments.state import Refunding
from services.payments.payments.timers import schedule_refund
from services.payments.retry_policy import RetryPolicy
from shared.framework.eventstore.ports import EventStore
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork


@dataclass(frozen=True, slots=True)
class RefundTimer:
    """The refund timer's two halves. A refund may be asked for again: its key moves money once."""

    store: EventStore
    gateways: Gateways
    policy: RetryPolicy

    async def call_gateway(self, timer: Timer) -> RefundConfirmed | UnknownOutcome | None:
        """The remote half: None when the money has gone back already."""
        session = UnitOfWork(self.store).session(timer.tenant_id, timer.metadata)
        payment = await session.state(PAYMENT, timer.payload["payment_id"])
        if not isinstance(payment, Refunding):
            return None
        gateway, refund = self.gateways[payment.order.gateway], payment.refund
        return await gateway.refund(payment.reference, refund.amount, refund.gateway_key)

    async def record_outcome(
        self, session: Session, timer: Timer, answer: RefundConfirmed | UnknownOutcome | None
    ) -> None:
        """The deciding half: done, or asked again later, for ever; money owed back is never forgotten."""
        payment_id, tries = timer.payload["payment_id"], timer.payload["tries"]
        match answer:
            case RefundConfirmed(reference):
                command = ConfirmRefund(reference=reference, now=session.now)
                await session.handle(PAYMENT, payment_id, command)
            case UnknownOutcome():
                pauses = self.policy.refunds
                pause = pauses[min(tries, len(pauses) - 1)]
                schedule_refund(session, payment_id, session.now + pause, tries + 1)
            case None:
                pass
