"""The readings feature of the metering service."""

from services.metering.readings.timers import PURPOSE, ReadingProcess
from shared.billing.contracts.invoicing.billing_runs import BillingRunRetried
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.process.feature import Feature
from shared.framework.timers.timer import TimerHandler


def readings(process: ReadingProcess) -> Feature:
    """A closed period schedules its reading; the timer takes it."""
    return Feature(
        subscribes_to=["subscriptions", "invoicing"],
        reactors={
            BillingPeriodClosed: process.on_billing_period_closed,
            BillingRunRetried: process.on_billing_run_retried,
        },
        timers={PURPOSE: TimerHandler(decide=process.record, call_remote=process.measure)},
    )
