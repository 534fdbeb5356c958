"""The timers of contracts: a period begins, a period is closed, a termination fee is due."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.invoicing.commitments.handlers import CLOSE_COMMITMENT
from services.invoicing.contract_invoices.handlers import (
    INVOICE_TERMINATION_FEE,
    START_COMMITMENT,
    PeriodDue,
    close_period,
    invoice_termination_fee,
    start_period,
)
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.timers.timer import TimerHandler


def _of_period(handle: Callable[[Session, PeriodDue], Awaitable[None]]) -> TimerHandler:
    async def decide(session: Session, timer: Timer, _: Any) -> None:
        await handle(session, PeriodDue(**timer.payload))

    return TimerHandler(decide=decide)


TIMERS = {
    START_COMMITMENT: _of_period(start_period),
    CLOSE_COMMITMENT: _of_period(close_period),
    INVOICE_TERMINATION_FEE: _of_period(invoice_termination_fee),
}
