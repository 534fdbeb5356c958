"""The timer that ends billing periods."""

from typing import Any

from services.subscriptions.subscriptions.decider import ClosePeriod
from services.subscriptions.subscriptions.handlers import CLOSE_PERIOD, handle_and_schedule
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.timers.timer import TimerHandler


async def close_period(session: Session, timer: Timer, _: Any) -> None:
    """Close the period that the timer is for, and schedule the end of the next."""
    command = ClosePeriod(
        subscription_id=timer.payload["subscription_id"],
        period_index=timer.payload["period_index"],
        now=session.now,
    )
    await handle_and_schedule(session, command)


TIMERS = {CLOSE_PERIOD: TimerHandler(decide=close_period)}
