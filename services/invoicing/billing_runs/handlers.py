"""Commands on billing runs: a closed period and its reading, in either order, become a finalized invoice."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.invoicing.billed_items.decider import BILLED_ITEM, CreditItem
from services.invoicing.billing_runs.decider import (
    BILLING_RUN,
    AwaitingReading,
    BillingRunIsUnknown,
    CompleteBillingRun,
    FailBillingRun,
    Ready,
    RecordUsageReading,
    RetryBillingRun,
    RunFailed,
    StartBillingRun,
    invoice_id_of,
    run_id_of,
)
from services.invoicing.commitments.handlers import (
    BilledInvoice,
    await_invoice,
    charge_contracts,
    count_invoice,
)
from services.invoicing.invoices.commands import DraftInvoice, FinalizeDraft, RateInvoice, VoidInvoice
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import finalize, void
from services.invoicing.invoices.state import Draft, Finalized, Invoice, NoInvoice, Paid, Voided
from services.invoicing.rating.discounts import discounted
from services.invoicing.rating.items import less_discount, limited, lines_of_billing_items
from services.invoicing.rating.rating import RatingContext, lines_of_period
from shared.billing.contracts.invoicing.billed_items import ItemCredited
from shared.billing.contracts.invoicing.billing_runs import BillingRunStarted
from shared.billing.contracts.invoicing.invoices import InvoiceLine
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.framework.core.ids import derived_id, has_prefix
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind
from shared.framework.eventstore.unit_of_work import Session


async def start_run(session: Session, command: StartBillingRun) -> None:
    """Start the run of a closed period and draft its invoice; finalize it if the reading is there.

    A period of which nothing is to be billed gets no invoice.

    A period that cannot be billed makes the run fail, here and in `record_reading`.
    """
    closed = command.closed
    run_id = run_id_of(closed.subscription_id, closed.period)
    await session.handle(BILLING_RUN, run_id, command)
    if closed.charges or closed.items:
        invoice_id = invoice_id_of(closed.subscription_id, closed.period)
        await _draft(session, invoice_id, closed, command.now)
        await await_invoice(
            session,
            customer_id=closed.customer_id,
            subscription_id=closed.subscription_id,
            currency=closed.currency,
            service_period=closed.period,
            invoice_id=invoice_id,
        )
    await _complete_if_ready(session, run_id)


async def _draft(
    session: Session, invoice_id: str, source: BillingPeriodClosed | BillingRunStarted, now: datetime
) -> None:
    draft = DraftInvoice(
        invoice_id=invoice_id,
        customer_id=source.customer_id,
        currency=source.currency,
        subscription_id=source.subscription_id,
        period=source.period,
        now=now,
    )
    await session.handle(INVOICE, invoice_id, draft)


async def bill_charges_due(session: Session, due: ChargesDue, now: datetime) -> None:
    """Bill items that need no usage by an invoice of their own; what is only held leaves no invoice."""
    invoice_id = derived_id("inv", due.due_id)
    invoice = await session.state(INVOICE, invoice_id)
    if not isinstance(invoice, NoInvoice):
        return
    of_items = lines_of_billing_items(invoice_id, due.currency, due.time_zone, due.proration, due.items)
    lines = await _credited_lines(session, of_items, now)
    if not lines:
        return
    lines, discounts = discounted(lines, due.discounts)
    draft = DraftInvoice(
        invoice_id=invoice_id,
        customer_id=due.customer_id,
        currency=due.currency,
        subscription_id=due.subscription_id,
        now=now,
    )
    await session.handle(INVOICE, invoice_id, draft)
    billed = BilledInvoice(
        invoice_id=invoice_id,
        customer_id=due.customer_id,
        subscription_id=due.subscription_id,
        currency=due.currency,
        lines=lines,
    )
    charges = await charge_contracts(session, billed)
    rate = RateInvoice(
        invoice_id=invoice_id, lines=charges.lines, discounts=(*discounts, *charges.discounts), now=now
    )
    await session.handle(INVOICE, invoice_id, rate)
    await finalize(session, FinalizeDraft(invoice_id=invoice_id, now=now))
    await count_invoice(session, charges)


async def record_reading(session: Session, command: RecordUsageReading) -> None:
    """Record the reading of a period; finalize the invoice if the period's close is there."""
    run_id = run_id_of(command.taken.subscription_id, command.taken.period)
    await session.handle(BILLING_RUN, run_id, command)
    await _complete_if_ready(session, run_id)


async def _complete_if_ready(session: Session, run_id: str) -> None:
    run = await session.state(BILLING_RUN, run_id)
    if not isinstance(run, Ready):
        return
    end: CompleteBillingRun | FailBillingRun = CompleteBillingRun(now=session.now)
    try:
        await _rate_and_finalize(session, run)
    except Refusal as refusal:
        if refusal.kind is RefusalKind.UNAVAILABLE:  # not the period's fault: the same work may succeed later
            raise
        # Not a dead letter: people correct the price or the usage, and retry.
        end = FailBillingRun(code=refusal.code, reason=str(refusal) or refusal.title, now=session.now)
    await session.handle(BILLING_RUN, run_id, end)


async def retry_run(session: Session, command: RetryBillingRun) -> AwaitingReading:
    """Begin a failed run again; its invoice is drafted anew if the draft was voided.

    Raises BillingRunIsUnknown, BillingRunHasNotFailed, and what its prices are refused for.
    """
    if not has_prefix("run", command.run_id):
        raise BillingRunIsUnknown(command.run_id)
    run = await session.state(BILLING_RUN, command.run_id)
    if isinstance(run, RunFailed):
        invoice = await session.state(INVOICE, run.started.invoice_id)
        command = replace(command, is_draft_open=isinstance(invoice, Draft))
    await session.handle(BILLING_RUN, command.run_id, command)
    again = await session.state(BILLING_RUN, command.run_id)
    if not isinstance(again, AwaitingReading):
        raise ImpossibleHistory(again, command)
    await _draft(session, again.started.invoice_id, again.started, command.now)
    return again


async def _rate_and_finalize(session: Session, run: Ready) -> None:
    invoice_id, now = run.started.invoice_id, session.now
    invoice = await session.state(INVOICE, invoice_id)
    if not isinstance(invoice, Draft):
        return  # nothing is billed, or the draft was voided before its reading was consumed
    started = run.started
    of_period = lines_of_period(_rating_context(started), started.charges, run.reading.quantities)
    of_items = lines_of_billing_items(
        invoice_id, started.currency, started.time_zone, started.proration, started.items
    )
    lines = (*of_period, *await _credited_lines(session, of_items, now))
    if not lines:  # all that was to be given back is held
        await void(session, VoidInvoice(invoice_id=invoice_id, reason="nothing to bill", now=now))
        return
    lines, discounts = discounted(lines, run.started.discounts)
    billed = BilledInvoice(
        invoice_id=invoice_id,
        customer_id=run.started.customer_id,
        subscription_id=run.started.subscription_id,
        currency=run.started.currency,
        lines=lines,
    )
    charges = await charge_contracts(session, billed)
    rate = RateInvoice(
        invoice_id=invoice_id,
        lines=charges.lines,
        discounts=(*discounts, *charges.discounts),
        reading_id=run.reading.reading_id,
        now=now,
    )
    await session.handle(INVOICE, invoice_id, rate)
    await finalize(session, FinalizeDraft(invoice_id=invoice_id, now=now))
    await count_invoice(session, charges)


def _rating_context(started: BillingRunStarted) -> RatingContext:
    return RatingContext(
        invoice_id=started.invoice_id,
        currency=started.currency,
        time_zone=started.time_zone,
        period=started.period,
        full_period=started.full_period,
        proration=started.proration,
    )


async def _credited_lines(
    session: Session, lines: Iterable[tuple[BillingItem, InvoiceLine]], now: datetime
) -> tuple[InvoiceLine, ...]:
    """The lines of items, in which what is given back is at most what was paid and not given back before.

    What is not paid yet is held, and leaves no line.
    """
    kept = []
    for item, line in lines:
        if item.credit_of is None:
            kept.append(line)
        elif (credit := await _credit(session, item, item.credit_of, line, now)) is not None:
            kept.append(credit)
    return tuple(kept)


async def _credit(
    session: Session, item: BillingItem, credit_of: str, line: InvoiceLine, now: datetime
) -> InvoiceLine | None:
    billed = (await session.state(BILLED_ITEM, credit_of)).billed
    invoice: Invoice = NoInvoice()
    if billed is not None:
        invoice = await session.state(INVOICE, billed.invoice_id)
    if isinstance(invoice, Finalized | Paid):
        line = less_discount(line, next(one for one in invoice.document.lines if one.item_id == credit_of))
    command = CreditItem(
        item_id=credit_of,
        credit_item_id=item.item_id,
        amount=-line.amount,
        is_paid=isinstance(invoice, Paid),
        is_void=isinstance(invoice, Voided),
        now=now,
    )
    events = await session.handle(BILLED_ITEM, credit_of, command)
    credited = [event.amount for event in events if isinstance(event, ItemCredited)]
    return limited(line, credited[0]) if credited and credited[0].minor else None
