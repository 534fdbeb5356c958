"""The billing run: a closed period and its reading, in either order, become a finalized invoice."""

from services.invoicing.billing_runs.decider import (
    BILLING_RUN,
    CompleteBillingRun,
    Ready,
    RecordUsageReading,
    StartBillingRun,
    invoice_id_of,
    run_id_of,
)
from services.invoicing.invoices.commands import DraftInvoice, RateInvoice
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import finalize
from services.invoicing.invoices.state import Draft
from services.invoicing.rating.rating import RatingContext, lines_of_period
from shared.billing.contracts.invoicing.billing_runs import BillingRunStarted
from shared.billing.contracts.metering.readings import UsageReadingTaken
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.eventstore.unit_of_work import Session


async def start_run(session: Session, closed: BillingPeriodClosed) -> None:
    """Draft the invoice of a period that is over; if its reading is there already, write it."""
    run_id = run_id_of(closed.subscription_id, closed.period)
    invoice_id = invoice_id_of(closed.subscription_id, closed.period)
    started = StartBillingRun(run_id=run_id, invoice_id=invoice_id, closed=closed, now=session.now)
    await session.handle(BILLING_RUN, run_id, started)
    drafted = DraftInvoice(
        invoice_id=invoice_id,
        customer_id=closed.customer_id,
        currency=closed.currency,
        subscription_id=closed.subscription_id,
        period=closed.period,
        now=session.now,
    )
    await session.handle(INVOICE, invoice_id, drafted)
    await _complete_if_ready(session, run_id)


async def receive_reading(session: Session, taken: UsageReadingTaken) -> None:
    """Keep the reading of a period; if the period is known already, write its invoice."""
    run_id = run_id_of(taken.subscription_id, taken.period)
    received = RecordUsageReading(
        run_id=run_id,
        reading_id=taken.reading_id,
        subscription_id=taken.subscription_id,
        quantities=taken.quantities,
        now=session.now,
    )
    await session.handle(BILLING_RUN, run_id, received)
    await _complete_if_ready(session, run_id)


async def _complete_if_ready(session: Session, run_id: str) -> None:
    run = await session.state(BILLING_RUN, run_id)
    if isinstance(run, Ready):
        await _write_invoice(session, run)
        await session.handle(BILLING_RUN, run_id, CompleteBillingRun(now=session.now))


async def _write_invoice(session: Session, run: Ready) -> None:
    invoice_id = run.started.invoice_id
    invoice = await session.state(INVOICE, invoice_id)
    if not isinstance(invoice, Draft):
        return  # the draft was voided while it waited for its reading
    lines = lines_of_period(_rating_context(run.started), run.started.charges, run.reading.quantities)
    rated = RateInvoice(
        invoice_id=invoice_id, lines=lines, reading_id=run.reading.reading_id, now=session.now
    )
    await session.handle(INVOICE, invoice_id, rated)
    await finalize(session, invoice_id)


def _rating_context(started: BillingRunStarted) -> RatingContext:
    return RatingContext(
        invoice_id=started.invoice_id,
        currency=started.currency,
        time_zone=started.time_zone,
        period=started.period,
        full_period=started.full_period,
    )
