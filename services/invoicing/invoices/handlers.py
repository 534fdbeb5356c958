"""Commands on invoices that touch several streams."""

from datetime import datetime

from services.invoicing.billed_items.handlers import record_billing, release_held_credits
from services.invoicing.billing_accounts.decider import (
    BILLING_ACCOUNT,
    CustomerIsUnknown,
    NoBillingAccount,
    billing_account_id,
)
from services.invoicing.commitments.handlers import release_invoice
from services.invoicing.customer_credit.handlers import apply_credit, credit_left, undo_credit
from services.invoicing.invoices.commands import (
    DraftInvoice,
    DraftOneOff,
    FinalizeDraft,
    FinalizeInvoice,
    RateInvoice,
    VoidInvoice,
)
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.refusals import InvoiceIsUnknown
from services.invoicing.invoices.state import Draft, Finalized, Invoice, Paid
from services.invoicing.number_series.numbering import issued_at, next_number, number_assigned, series_id
from services.invoicing.rating.rating import lines_of_items
from services.invoicing.tax.decider import TAX_RATES, rate_in_force, tax_rates_id
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoicePaid
from shared.framework.core.ids import has_prefix
from shared.framework.eventstore.unit_of_work import Session


async def draft_one_off(session: Session, command: DraftOneOff) -> Invoice:
    """Draft an invoice outside any billing period, and return it.

    Raises CustomerIsUnknown and InvoiceIsTooLarge.
    """
    invoice_id, customer_id, now = command.invoice_id, command.customer_id, command.now
    account = await session.state(BILLING_ACCOUNT, billing_account_id(customer_id))
    if isinstance(account, NoBillingAccount):
        raise CustomerIsUnknown(customer_id)
    draft = DraftInvoice(invoice_id=invoice_id, customer_id=customer_id, currency=account.currency, now=now)
    lines = lines_of_items(invoice_id, account.currency, command.items)
    await session.handle(INVOICE, invoice_id, draft)
    await session.handle(INVOICE, invoice_id, RateInvoice(invoice_id=invoice_id, lines=lines, now=now))
    return await session.state(INVOICE, invoice_id)


async def finalize(session: Session, command: FinalizeDraft) -> Invoice:
    """Finalize a draft with the next number and the tax rate in force, and return the invoice.

    The number is assigned only if the invoice becomes a document now; its date is not before that of the
    number before it (billing rule 13).
    Raises InvoiceIsUnknown, InvoiceIsEmpty and InvoiceIsNotADraft.
    """
    invoice_id = command.invoice_id
    check_is_invoice(invoice_id)
    series = series_id(session.tenant_id)
    assigned = await session.newest(series)
    number, now = next_number(assigned.version), issued_at(next(iter(assigned.events), None), command.now)
    rates = await session.state(TAX_RATES, tax_rates_id(session.tenant_id))
    draft = await session.state(INVOICE, invoice_id)
    credit = await credit_left(session, draft.customer_id, draft.currency) if isinstance(draft, Draft) else 0
    numbered = FinalizeInvoice(
        invoice_id=invoice_id,
        number=number,
        tax_rate=rate_in_force(rates, now),
        credit_available=credit,
        now=now,
    )
    for event in await session.handle(INVOICE, invoice_id, numbered):
        if isinstance(event, InvoiceFinalized):
            session.append(series, assigned.version, [number_assigned(number, invoice_id, now)])
            await apply_credit(session, event)
            await record_billing(session, event)
        elif isinstance(event, InvoicePaid):
            await released(session, invoice_id, now)
    return await session.state(INVOICE, invoice_id)


async def released(session: Session, invoice_id: str, now: datetime) -> None:
    """Give back what was held of an invoice's items, now that it is paid."""
    invoice = await session.state(INVOICE, invoice_id)
    if isinstance(invoice, Paid):
        await release_held_credits(session, invoice.document, now)


async def void(session: Session, command: VoidInvoice) -> Invoice:
    """Void an invoice, which then counts in no commitment, and return it. Raises InvoiceIsUnknown."""
    invoice_id = command.invoice_id
    check_is_invoice(invoice_id)
    before = await session.state(INVOICE, invoice_id)
    if await session.handle(INVOICE, invoice_id, command):
        await _release(session, invoice_id, before)
        if isinstance(before, Finalized | Paid):
            await undo_credit(session, before.document, command.now)
    return await session.state(INVOICE, invoice_id)


async def _release(session: Session, invoice_id: str, invoice: Invoice) -> None:
    """Take an invoice of a subscription out of the commitments of its customer's contracts."""
    match invoice:
        case Draft(customer_id=customer_id, currency=currency, subscription_id=str(subscription_id)):
            pass
        case Finalized(document=document) | Paid(document=document) if document.subscription_id is not None:
            customer_id, currency = document.customer_id, document.total.currency
            subscription_id = document.subscription_id
        case _:
            return
    await release_invoice(
        session,
        invoice_id=invoice_id,
        customer_id=customer_id,
        subscription_id=subscription_id,
        currency=currency,
    )


def check_is_invoice(invoice_id: str) -> None:
    """Raise InvoiceIsUnknown for an id of another kind: its stream must not be read as an invoice."""
    if not has_prefix("inv", invoice_id):
        raise InvoiceIsUnknown(invoice_id)
