"""The life of a subscription: started, closed period by period, cancelled."""

from typing import Any

from services.subscriptions.subscriptions.decider import ClosePeriod
from services.subscriptions.subscriptions.handlers import _told
from shared.framework.eventstore.port import Timer
from shared.framework.eventstore.unit_of_work import Session


async def close_period(session: Session, timer: Timer, _: Any) -> None:
    """The end of a period has come: close it, and wait for the end of the next."""
    command = ClosePeriod(
        subscription_id=timer.payload["subscription_id"],
        period_index=timer.payload["period_index"],
        now=session.now,
    )
    await _told(session, command)
