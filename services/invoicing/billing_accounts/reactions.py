"""Fact heard, command given."""

from services.invoicing.billing_accounts.decider import ACCOUNT, OpenBillingAccount, billing_account_id
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_customer_registered(session: Session, event: CustomerRegistered, _: EventRecord) -> None:
    """Open a billing account."""
    command = OpenBillingAccount(
        customer_id=event.customer_id,
        currency=event.currency,
        time_zone=event.time_zone,
        now=session.now,
    )
    await session.handle(ACCOUNT, billing_account_id(event.customer_id), command)
