"""One function per command: each does its work in the session that it is given."""

from services.invoicing.billing_accounts.decider import (
    ACCOUNT,
    BillingAccount,
    CustomerIsUnknown,
    billing_account_id,
)
from services.invoicing.invoices.commands import (
    DraftInvoice,
    DraftOneOff,
    FinalizeInvoice,
    RateInvoice,
    VoidInvoice,
)
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.refusals import InvoiceIsUnknown
from services.invoicing.invoices.state import Invoice
from services.invoicing.number_series.numbering import next_number, number_assigned, series_id
from services.invoicing.rating.rating import lines_of_items
from services.invoicing.tax.decider import TAX_RATES, rate_in_force, tax_rates_id
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.framework.core.ids import has_prefix
from shared.framework.eventstore.unit_of_work import Session


async def draft_one_off(session: Session, command: DraftOneOff) -> Invoice:
    """Draft an invoice that no period asked for, in the customer's currency."""
    invoice_id, customer_id, now = command.invoice_id, command.customer_id, command.now
    account = await session.state(ACCOUNT, billing_account_id(customer_id))
    if not isinstance(account, BillingAccount):
        raise CustomerIsUnknown(customer_id)
    drafted = DraftInvoice(invoice_id=invoice_id, customer_id=customer_id, currency=account.currency, now=now)
    lines = lines_of_items(invoice_id, account.currency, command.items)
    await session.handle(INVOICE, invoice_id, drafted)
    await session.handle(INVOICE, invoice_id, RateInvoice(invoice_id=invoice_id, lines=lines, now=now))
    return await session.state(INVOICE, invoice_id)


async def finalize(session: Session, invoice_id: str) -> Invoice:
    """Give a draft the next number and the tax of the day; both are used up only if it is finalized now."""
    _check_is_invoice(invoice_id)
    series = series_id(session.tenant_id)
    version = await session.version(series)
    number = next_number(version)
    rates = await session.state(TAX_RATES, tax_rates_id(session.tenant_id))
    command = FinalizeInvoice(
        invoice_id=invoice_id, number=number, tax_rate=rate_in_force(rates, session.now), now=session.now
    )
    events = await session.handle(INVOICE, invoice_id, command)
    if any(isinstance(event, InvoiceFinalized) for event in events):
        session.append(series, version, [number_assigned(number, invoice_id, session.now)])
    return await session.state(INVOICE, invoice_id)


async def void(session: Session, command: VoidInvoice) -> Invoice:
    """Take an invoice back."""
    _check_is_invoice(command.invoice_id)
    await session.handle(INVOICE, command.invoice_id, command)
    return await session.state(INVOICE, command.invoice_id)


def _check_is_invoice(invoice_id: str) -> None:
    """The id came from outside: no other history of this context may be read as an invoice."""
    if not has_prefix("inv", invoice_id):
        raise InvoiceIsUnknown(invoice_id)
