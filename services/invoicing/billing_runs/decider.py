"""What invoicing can be asked to do; `now` is the moment on the tenant's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunCompleted,
    BillingRunStarted,
    UsageReadingReceived,
)
from shared.billing.contracts.metering.readings import MeterQuantity
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBillingRun:
    """Bill a period that is over."""

    run_id: str
    invoice_id: str
    closed: BillingPeriodClosed
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUsageReading:
    """Take the usage of the period, complete and pinned."""

    run_id: str
    reading_id: str
    subscription_id: str
    quantities: tuple[MeterQuantity, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteBillingRun:
    """The invoice carries its lines: the run has nothing more to do."""

    now: datetime


RunCommand = StartBillingRun | RecordUsageReading | CompleteBillingRun
RunEvent = BillingRunStarted | UsageReadingReceived | BillingRunCompleted


@dataclass(frozen=True, slots=True)
class NoBillingRun:
    """Nothing is known of this period."""


@dataclass(frozen=True, slots=True)
class AwaitingReading:
    """The period is over; metering has not read it yet."""

    started: BillingRunStarted


@dataclass(frozen=True, slots=True)
class AwaitingPeriod:
    """The reading overtook the period that it is for."""

    reading: UsageReadingReceived


@dataclass(frozen=True, slots=True)
class Ready:
    """Prices and quantities are there: the invoice can be written."""

    started: BillingRunStarted
    reading: UsageReadingReceived


@dataclass(frozen=True, slots=True)
class Completed:
    """The invoice has been written."""


BillingRun = NoBillingRun | AwaitingReading | AwaitingPeriod | Ready | Completed


def run_id_of(subscription_id: str, period: Period) -> str:
    """The run of a period: a period told twice has one run."""
    return derived_id("run", subscription_id, period.start.isoformat())


def invoice_id_of(subscription_id: str, period: Period) -> str:
    """The invoice of a period."""
    return derived_id("inv", subscription_id, period.start.isoformat())


def decide(run: BillingRun, command: RunCommand) -> Sequence[RunEvent]:
    """Each of the two facts counts once; running it twice does nothing."""
    match run, command:
        case ((NoBillingRun() | AwaitingPeriod()), StartBillingRun()):
            return [_started(command)]
        case ((NoBillingRun() | AwaitingReading()), RecordUsageReading()):
            return [_received(command)]
        case Ready(), CompleteBillingRun():
            return [
                BillingRunCompleted(
                    run_id=run.started.run_id,
                    invoice_id=run.started.invoice_id,
                    reading_id=run.reading.reading_id,
                    completed_at=command.now,
                )
            ]
        case _:
            return []


def evolve(run: BillingRun, event: RunEvent) -> BillingRun:
    """What is true after this event."""
    match run, event:
        case NoBillingRun(), BillingRunStarted():
            return AwaitingReading(event)
        case NoBillingRun(), UsageReadingReceived():
            return AwaitingPeriod(event)
        case AwaitingPeriod(), BillingRunStarted():
            return Ready(event, run.reading)
        case AwaitingReading(), UsageReadingReceived():
            return Ready(run.started, event)
        case Ready(), BillingRunCompleted():
            return Completed()
    raise ImpossibleHistory(run, event)


BILLING_RUN: Decider[BillingRun, RunCommand, RunEvent] = Decider(NoBillingRun(), decide, evolve)


def _started(command: StartBillingRun) -> BillingRunStarted:
    closed = command.closed
    return BillingRunStarted(
        run_id=command.run_id,
        invoice_id=command.invoice_id,
        subscription_id=closed.subscription_id,
        customer_id=closed.customer_id,
        currency=closed.currency,
        time_zone=closed.time_zone,
        charges=closed.charges,
        period=closed.period,
        full_period=closed.full_period,
        started_at=command.now,
    )


def _received(command: RecordUsageReading) -> UsageReadingReceived:
    return UsageReadingReceived(
        run_id=command.run_id,
        reading_id=command.reading_id,
        subscription_id=command.subscription_id,
        quantities=command.quantities,
        received_at=command.now,
    )
