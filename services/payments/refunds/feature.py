"""The feature of refunds: their timer."""

from services.payments.refunds.timers import REFUND, RefundTimer
from shared.framework.process.feature import Feature
from shared.framework.timers.timer import TimerHandler


def refunds(timer: RefundTimer) -> Feature:
    """The feature, with the timer handler that calls the gateways."""
    return Feature(timers={REFUND: TimerHandler(decide=timer.record_outcome, call_remote=timer.call_gateway)})
