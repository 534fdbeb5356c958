"""What invoices do when an event of payments is consumed."""

from services.invoicing.invoices.commands import RecordPayment
from services.invoicing.invoices.decider import INVOICE
from services.invoicing.invoices.handlers import released
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_payment_succeeded(session: Session, event: PaymentSucceeded, _: EventRecord) -> None:
    """Record the payment of the invoice."""
    command = RecordPayment(
        invoice_id=event.invoice_id, payment_id=event.payment_id, amount=event.amount, now=session.now
    )
    if await session.handle(INVOICE, event.invoice_id, command):
        await released(session, event.invoice_id, session.now)
