"""A run needs a closed period and a reading, in either order."""

import msgspec

from services.invoicing.billing_runs.decider import (
    BILLING_RUN,
    CompleteBillingRun,
    RecordUsageReading,
    StartBillingRun,
)
from services.invoicing.tests.scenarios import (
    CALLS,
    END,
    FEE,
    INVOICE_ID,
    JANUARY,
    LATER,
    RUN_ID,
    closed,
    quantity,
    reading,
)
from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunCompleted,
    BillingRunStarted,
    UsageReadingReceived,
)
from shared.framework.testing.spec import Spec

run = Spec(BILLING_RUN)

START = StartBillingRun(closed=closed(), now=END)
TAKEN = msgspec.structs.replace(reading(quantity("calls", "120")), reading_id="rdg_1")
RECEIVE = RecordUsageReading(taken=TAKEN, now=LATER)
COMPLETE = CompleteBillingRun(now=LATER)

started = BillingRunStarted(
    run_id=RUN_ID,
    invoice_id=INVOICE_ID,
    subscription_id="sub_1",
    customer_id="cus_1",
    currency="USD",
    time_zone="UTC",
    charges=(FEE, CALLS),
    period=JANUARY,
    full_period=JANUARY,
    started_at=END,
)
received = UsageReadingReceived(
    run_id=RUN_ID,
    reading_id="rdg_1",
    subscription_id="sub_1",
    quantities=(quantity("calls", "120"),),
    received_at=LATER,
)
completed = BillingRunCompleted(run_id=RUN_ID, invoice_id=INVOICE_ID, reading_id="rdg_1", completed_at=LATER)


def test_a_period_then_its_reading_make_a_run() -> None:
    """The usual order."""
    run.when(START).then(started).when(RECEIVE).then(received).when(COMPLETE).then(completed)


def test_a_reading_that_comes_first_waits_for_its_period() -> None:
    """The two events come through different topics; neither is lost."""
    run.when(RECEIVE).then(received).when(START).then(started).when(COMPLETE).then(completed)


def test_a_run_with_one_fact_cannot_complete() -> None:
    """A period without a reading, or a reading without a period, is not billed."""
    run.when(COMPLETE).then_nothing()
    run.given(started).when(COMPLETE).then_nothing()
    run.given(received).when(COMPLETE).then_nothing()


def test_each_fact_counts_once() -> None:
    """Delivered again at any time, it changes nothing."""
    run.given(started).when(START).then_nothing()
    run.given(received).when(RECEIVE).then_nothing()
    for command in (START, RECEIVE, COMPLETE):
        run.given(started, received, completed).when(command).then_nothing()
