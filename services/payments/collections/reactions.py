"""Fact heard, command given."""

from services.payments.collections.handlers import start_collecting, stop_collecting
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized, InvoiceVoided
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_invoice_finalized(session: Session, event: InvoiceFinalized, _: EventRecord) -> None:
    """Collect what is due, if anything is."""
    if event.amount_due.minor > 0:
        await start_collecting(session, event)


async def on_invoice_voided(session: Session, event: InvoiceVoided, _: EventRecord) -> None:
    """Stop collecting; give back what came in."""
    await stop_collecting(session, event)
