"""Commands on billing runs: a closed period and its reading, in either order, become a finalized invoice."""

from services.invoicing.billing_runs.decider import (
    BILLING_RUN,
    CompleteBillingRun,
    Ready,
    RecordUsageReading,
    StartBillingRun,
    invoice_id_of,
    run_id_of,
)
from services.invoicing.invoices.commands import DraftInvoice, FinalizeDraft, RateInvoice
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import finalize
from services.invoicing.invoices.state import Draft
from services.invoicing.rating.rating import RatingContext, lines_of_period
from shared.billing.contracts.invoicing.billing_runs import BillingRunStarted
from shared.framework.eventstore.unit_of_work import Session


async def start_run(session: Session, command: StartBillingRun) -> None:
    """Start the run of a closed period and draft its invoice; finalize it if the reading is there."""
    closed = command.closed
    run_id = run_id_of(closed.subscription_id, closed.period)
    await session.handle(BILLING_RUN, run_id, command)
    draft = DraftInvoice(
        invoice_id=invoice_id_of(closed.subscription_id, closed.period),
        customer_id=closed.customer_id,
        currency=closed.currency,
        subscription_id=closed.subscription_id,
        period=closed.period,
        now=command.now,
    )
    await session.handle(INVOICE, draft.invoice_id, draft)
    await _complete_if_ready(session, run_id)


async def record_reading(session: Session, command: RecordUsageReading) -> None:
    """Record the reading of a period; finalize the invoice if the period's close is there."""
    run_id = run_id_of(command.taken.subscription_id, command.taken.period)
    await session.handle(BILLING_RUN, run_id, command)
    await _complete_if_ready(session, run_id)


async def _complete_if_ready(session: Session, run_id: str) -> None:
    run = await session.state(BILLING_RUN, run_id)
    if isinstance(run, Ready):
        await _rate_and_finalize(session, run)
        await session.handle(BILLING_RUN, run_id, CompleteBillingRun(now=session.now))


async def _rate_and_finalize(session: Session, run: Ready) -> None:
    invoice_id, now = run.started.invoice_id, session.now
    invoice = await session.state(INVOICE, invoice_id)
    if not isinstance(invoice, Draft):
        return  # the draft was voided before its reading was consumed
    lines = lines_of_period(_rating_context(run.started), run.started.charges, run.reading.quantities)
    rate = RateInvoice(invoice_id=invoice_id, lines=lines, reading_id=run.reading.reading_id, now=now)
    await session.handle(INVOICE, invoice_id, rate)
    await finalize(session, FinalizeDraft(invoice_id=invoice_id, now=now))


def _rating_context(started: BillingRunStarted) -> RatingContext:
    return RatingContext(
        invoice_id=started.invoice_id,
        currency=started.currency,
        time_zone=started.time_zone,
        period=started.period,
        full_period=started.full_period,
    )
