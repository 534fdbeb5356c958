"""Fact heard, command given."""

from services.invoicing.application.billing import receive_reading, start_run
from services.invoicing.domain.account import ACCOUNT, account_id
from services.invoicing.domain.commands import OpenAccount, RecordPayment
from services.invoicing.domain.invoice import INVOICE
from shared.contracts.metering import UsageReadingTaken
from shared.contracts.payments import PaymentSucceeded
from shared.contracts.subscriptions import BillingPeriodClosed, CustomerRegistered
from shared.eventstore.port import Record
from shared.eventstore.unit_of_work import Session


async def on_customer_registered(session: Session, event: CustomerRegistered, _: Record) -> None:
    """Open a billing account."""
    command = OpenAccount(
        customer_id=event.customer_id,
        currency=event.currency,
        time_zone=event.time_zone,
        now=session.now,
    )
    await session.handle(ACCOUNT, account_id(event.customer_id), command)


async def on_billing_period_closed(session: Session, event: BillingPeriodClosed, _: Record) -> None:
    """Start the period's billing run."""
    await start_run(session, event)


async def on_usage_reading_taken(session: Session, event: UsageReadingTaken, _: Record) -> None:
    """Give the run its reading."""
    await receive_reading(session, event)


async def on_payment_succeeded(session: Session, event: PaymentSucceeded, _: Record) -> None:
    """Settle the invoice."""
    command = RecordPayment(
        invoice_id=event.invoice_id, payment_id=event.payment_id, amount=event.amount, now=session.now
    )
    await session.handle(INVOICE, event.invoice_id, command)
