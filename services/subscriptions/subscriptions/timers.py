"""The timer that ends billing periods."""

from typing import Any

from services.subscriptions.subscriptions.decider import ClosePeriod
from services.subscriptions.subscriptions.handlers import CLOSE_PERIOD, handle_and_schedule
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.timers.timer import TimerHandler


async def close_period(session: Session, timer: Timer, _: Any) -> None:
    """Close the period of the timer, and schedule the end of the next one."""
    await handle_and_schedule(session, ClosePeriod(**timer.payload, now=session.now))


TIMERS = {CLOSE_PERIOD: TimerHandler(decide=close_period)}
