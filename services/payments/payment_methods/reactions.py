"""The reaction of payment methods to customers."""

from services.payments.payment_methods.decider import ACCOUNT, OpenPaymentAccount, payment_account_id
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_customer_registered(session: Session, event: CustomerRegistered, _: EventRecord) -> None:
    """Open the customer's payment account."""
    command = OpenPaymentAccount(customer_id=event.customer_id, now=session.now)
    await session.handle(ACCOUNT, payment_account_id(event.customer_id), command)
