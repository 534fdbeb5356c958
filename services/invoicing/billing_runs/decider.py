"""A billing run: a closed period and its usage reading, in either order, then a finished invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunCompleted,
    BillingRunStarted,
    UsageReadingReceived,
)
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBillingRun:
    """Bill a period that is over."""

    closed: BillingPeriodClosed
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordUsageReading:
    """Record the usage reading of the run's period."""

    taken: UsageReadingTaken
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteBillingRun:
    """End a run whose invoice has its lines."""

    now: datetime


BillingRunCommand = StartBillingRun | RecordUsageReading | CompleteBillingRun
BillingRunEvent = BillingRunStarted | UsageReadingReceived | BillingRunCompleted


@dataclass(frozen=True, slots=True)
class NoBillingRun:
    """Neither the close nor the reading of the period has been consumed."""


@dataclass(frozen=True, slots=True)
class AwaitingReading:
    """The period is over; its reading has not been consumed."""

    started: BillingRunStarted


@dataclass(frozen=True, slots=True)
class AwaitingPeriod:
    """The reading was consumed before the close of its period."""

    reading: UsageReadingReceived


@dataclass(frozen=True, slots=True)
class Ready:
    """Prices and quantities are there: the invoice can be rated."""

    started: BillingRunStarted
    reading: UsageReadingReceived


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """The invoice is rated and finalized, or was voided before."""


BillingRun = NoBillingRun | AwaitingReading | AwaitingPeriod | Ready | RunCompleted


def run_id_of(subscription_id: str, period: Period) -> str:
    """The id of a period's run, derived so that a period is billed once (billing rule 10)."""
    return derived_id("run", subscription_id, period.start.isoformat())


def invoice_id_of(subscription_id: str, period: Period) -> str:
    """The id of a period's invoice, derived like that of its run."""
    return derived_id("inv", subscription_id, period.start.isoformat())


def decide(run: BillingRun, command: BillingRunCommand) -> Sequence[BillingRunEvent]:
    """The event of a command; nothing if it is repeated, or not possible yet."""
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


def evolve(run: BillingRun, event: BillingRunEvent) -> BillingRun:
    """The state after an event."""
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
            return RunCompleted()
    raise ImpossibleHistory(run, event)


BILLING_RUN: Decider[BillingRun, BillingRunCommand, BillingRunEvent] = Decider(NoBillingRun(), decide, evolve)


def _started(command: StartBillingRun) -> BillingRunStarted:
    closed = command.closed
    return BillingRunStarted(
        run_id=run_id_of(closed.subscription_id, closed.period),
        invoice_id=invoice_id_of(closed.subscription_id, closed.period),
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
    taken = command.taken
    return UsageReadingReceived(
        run_id=run_id_of(taken.subscription_id, taken.period),
        reading_id=taken.reading_id,
        subscription_id=taken.subscription_id,
        quantities=taken.quantities,
        received_at=command.now,
    )
