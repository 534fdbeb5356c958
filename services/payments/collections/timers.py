"""The timers of collections: the next scheduled attempt, and the capture of a payment."""

from collections.abc import Mapping

from services.payments.collections.capture_timer import CaptureTimer
from services.payments.collections.handlers import start_attempt
from services.payments.payments.timers import ATTEMPT, CAPTURE
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.timers.timer import TimerHandler


async def on_attempt_due(session: Session, timer: Timer, _: object) -> None:
    """Start the attempt that the retry schedule has come to."""
    await start_attempt(session, timer.payload["collection_id"], timer.payload["attempt"])


def timers(capturing: CaptureTimer) -> Mapping[str, TimerHandler]:
    """The handlers by purpose."""
    return {
        ATTEMPT: TimerHandler(decide=on_attempt_due),
        CAPTURE: TimerHandler(decide=capturing.record_outcome, call_remote=capturing.call_gateway),
    }
