"""Fact heard, command given."""

from services.payments.application.collecting import start_collecting, stop_collecting
from services.payments.domain.account import ACCOUNT, account_id
from services.payments.domain.commands import OpenAccount
from shared.contracts.invoicing import InvoiceFinalized, InvoiceVoided
from shared.contracts.subscriptions import CustomerRegistered
from shared.eventstore.port import Record
from shared.eventstore.unit_of_work import Session


async def on_customer_registered(session: Session, event: CustomerRegistered, _: Record) -> None:
    """Open an account that payment methods can be attached to."""
    command = OpenAccount(customer_id=event.customer_id, now=session.now)
    await session.handle(ACCOUNT, account_id(event.customer_id), command)


async def on_invoice_finalized(session: Session, event: InvoiceFinalized, _: Record) -> None:
    """Collect what is due, if anything is."""
    if event.amount_due.minor > 0:
        await start_collecting(session, event)


async def on_invoice_voided(session: Session, event: InvoiceVoided, _: Record) -> None:
    """Stop collecting; give back what came in."""
    await stop_collecting(session, event)
