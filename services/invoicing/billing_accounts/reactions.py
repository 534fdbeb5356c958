"""What billing accounts do when an event of subscriptions is consumed."""

from services.invoicing.billing_accounts.decider import (
    BILLING_ACCOUNT,
    OpenBillingAccount,
    billing_account_id,
)
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_customer_registered(session: Session, event: CustomerRegistered, _: EventRecord) -> None:
    """Open the customer's billing account."""
    command = OpenBillingAccount(customer=event, now=session.now)
    await session.handle(BILLING_ACCOUNT, billing_account_id(event.customer_id), command)
