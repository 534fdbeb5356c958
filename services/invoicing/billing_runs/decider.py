"""A billing run: a closed period and its usage reading, in either order, then a finished invoice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunCompleted,
    BillingRunFailed,
    BillingRunRetried,
    BillingRunStarted,
    UsageReadingReceived,
)
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.billing.period import Period
from shared.billing.pricing import Price, PriceDoesNotFit, check_terms
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind, in_field


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FailBillingRun:
    """End a run whose period cannot be billed, for this reason."""

    code: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBillingRun:
    """Bill the period of a failed run again: with a new reading, and with `prices` by charge key.

    `is_draft_open`: the invoice of the failed run is still a draft, and is used again.
    """

    run_id: str
    prices: Mapping[str, Price]
    is_draft_open: bool = True
    now: datetime


BillingRunCommand = (
    StartBillingRun | RecordUsageReading | CompleteBillingRun | FailBillingRun | RetryBillingRun
)
BillingRunEvent = (
    BillingRunStarted | UsageReadingReceived | BillingRunCompleted | BillingRunFailed | BillingRunRetried
)


class BillingRunIsUnknown(Refusal):
    """There is no such billing run."""

    code = "billing-run-unknown"
    kind = RefusalKind.NOT_FOUND


class BillingRunHasNotFailed(Refusal):
    """Only a failed billing run can be retried."""

    code = "billing-run-not-failed"
    kind = RefusalKind.CONFLICT


class ChargeIsNotInRun(Refusal):
    """The billing run has no charge with this key."""

    code = "charge-not-in-run"
    kind = RefusalKind.UNPROCESSABLE


@dataclass(frozen=True, slots=True)
class NoBillingRun:
    """Neither the close nor the reading of the period has been consumed."""


@dataclass(frozen=True, slots=True)
class AwaitingReading:
    """The period is over; its reading has not been consumed. `attempt`: of the reading."""

    started: BillingRunStarted
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class AwaitingPeriod:
    """The reading was consumed before the close of its period."""

    reading: UsageReadingReceived


@dataclass(frozen=True, slots=True)
class Ready:
    """Prices and quantities are there: the invoice can be rated."""

    started: BillingRunStarted
    reading: UsageReadingReceived
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The period could not be billed: its draft has no lines."""

    started: BillingRunStarted
    attempt: int


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """The invoice is rated and finalized, or was voided before."""


BillingRun = NoBillingRun | AwaitingReading | AwaitingPeriod | Ready | RunFailed | RunCompleted


def run_id_of(subscription_id: str, period: Period) -> str:
    """The id of a period's run, derived so that a period is billed once (billing rule 10)."""
    return derived_id("run", subscription_id, period.start.isoformat())


def invoice_id_of(subscription_id: str, period: Period, attempt: int = 1) -> str:
    """The id of a period's invoice, derived like that of its run; another one after its draft was voided."""
    again = [] if attempt == 1 else [str(attempt)]
    return derived_id("inv", subscription_id, period.start.isoformat(), *again)


def decide(run: BillingRun, command: BillingRunCommand) -> Sequence[BillingRunEvent]:
    """The event of a command; nothing if it is repeated, or not possible yet.

    Raises what RetryBillingRun is refused for.
    """
    match run, command:
        case ((NoBillingRun() | AwaitingPeriod()), StartBillingRun()):
            return [_started(command)]
        case NoBillingRun(), RecordUsageReading():
            return [_received(command)]
        case AwaitingReading(), RecordUsageReading() if command.taken.attempt == run.attempt:
            return [_received(command)]
        case Ready(), FailBillingRun():
            return [_failed(run, command)]
        case RunFailed(), RetryBillingRun():
            return [_retried(run, command)]
        case NoBillingRun(), RetryBillingRun():
            raise BillingRunIsUnknown(command.run_id)
        case _, RetryBillingRun():
            raise BillingRunHasNotFailed(command.run_id)
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
            return Ready(run.started, event, run.attempt)
        case Ready(), BillingRunCompleted():
            return RunCompleted()
        case Ready(), BillingRunFailed():
            return RunFailed(run.started, run.attempt)
        case RunFailed(), BillingRunRetried():
            again = msgspec.structs.replace(run.started, invoice_id=event.invoice_id, charges=event.charges)
            return AwaitingReading(again, event.attempt)
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
        discounts=closed.discounts,
        items=closed.items,
        proration=closed.proration,
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


def _failed(run: Ready, command: FailBillingRun) -> BillingRunFailed:
    started = run.started
    return BillingRunFailed(
        run_id=started.run_id,
        invoice_id=started.invoice_id,
        subscription_id=started.subscription_id,
        customer_id=started.customer_id,
        code=command.code,
        reason=command.reason,
        failed_at=command.now,
    )


def _retried(run: RunFailed, command: RetryBillingRun) -> BillingRunRetried:
    started, attempt = run.started, run.attempt + 1
    new_id = invoice_id_of(started.subscription_id, started.period, attempt)
    return BillingRunRetried(
        run_id=started.run_id,
        invoice_id=started.invoice_id if command.is_draft_open else new_id,
        subscription_id=started.subscription_id,
        customer_id=started.customer_id,
        period=started.period,
        charges=_repriced(started.charges, command.prices),
        attempt=attempt,
        retried_at=command.now,
        time_zone=started.time_zone,
    )


def _repriced(charges: tuple[Charge, ...], prices: Mapping[str, Price]) -> tuple[Charge, ...]:
    """The charges with other prices. Raises ChargeIsNotInRun, PriceDoesNotFit and what a price refuses."""
    known = {charge.key: charge for charge in charges}
    for key, price in prices.items():
        with in_field("prices", key):
            if key not in known:
                raise ChargeIsNotInRun(key)
            has_meter = known[key].meter_key is not None
            if price.needs_meter is not has_meter:
                raise PriceDoesNotFit(key)
            price.check()
            check_terms(price, known[key])
    return tuple(
        msgspec.structs.replace(charge, price=prices.get(charge.key, charge.price)) for charge in charges
    )
