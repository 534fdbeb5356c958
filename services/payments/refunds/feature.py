"""What refunds add to the payments service."""

from services.payments.payments.timers import REFUND
from services.payments.refunds.timers import Refunds
from shared.framework.process.feature import Feature
from shared.framework.process.timers import TimerAction


def refunds(timer: Refunds) -> Feature:
    """The feature, with the timer that calls the gateways."""
    return Feature(timers={REFUND: TimerAction(decide=timer.record, before=timer.ask)})
