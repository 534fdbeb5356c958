"""The timer of what falls due on subscriptions."""

from typing import Any

from services.subscriptions.subscriptions.commands import AdvanceSubscription
from services.subscriptions.subscriptions.handlers import CLOSE_PERIOD, handle_and_schedule
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.timers.timer import TimerHandler


async def close_period(session: Session, timer: Timer, _: Any) -> None:
    """Do what falls due at the timer's instant, and schedule what comes next."""
    command = AdvanceSubscription(
        subscription_id=timer.payload["subscription_id"], due_at=timer.due_at, now=session.now
    )
    await handle_and_schedule(session, command)


TIMERS = {CLOSE_PERIOD: TimerHandler(decide=close_period)}
