"""Customers and plans: whom, and by what."""

from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.core.ids import has_prefix
from shared.framework.eventstore.unit_of_work import Session


async def get_customer(session: Session, customer_id: str) -> CustomerRegistered:
    """A customer of this tenant, as registered; CustomerIsUnknown."""
    if not has_prefix("cus", customer_id):
        raise CustomerIsUnknown(customer_id)
    return registered(customer_id, await session.state(CUSTOMER, customer_id))
