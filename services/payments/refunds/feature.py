"""What refunds add to the payments service."""

from services.payments.payments.timers import REFUND
from services.payments.refunds.timers import RefundTimer
from shared.framework.process.feature import Feature
from shared.framework.timers.timer import TimerHandler


def refunds(timer: RefundTimer) -> Feature:
    """The feature, with the timer that calls the gateways."""
    return Feature(timers={REFUND: TimerHandler(decide=timer.record_outcome, call_remote=timer.call_gateway)})
