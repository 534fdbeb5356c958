"""Customers and plans: whom, and by what."""

from services.subscriptions.customers.decider import (
    CUSTOMER,
    CustomerIsUnknown,
    NoCustomer,
    RegisterCustomer,
    Registered,
)
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.core.ids import derived_id, has_prefix
from shared.framework.eventstore.unit_of_work import Session


async def register_customer(
    session: Session, *, external_id: str, currency: str, time_zone: str
) -> CustomerRegistered:
    """Know a customer; their id follows from the tenant's own name for them."""
    customer_id = derived_id("cus", session.tenant_id, external_id)
    command = RegisterCustomer(
        customer_id=customer_id,
        external_id=external_id,
        currency=currency,
        time_zone=time_zone,
        now=session.now,
    )
    await session.handle(CUSTOMER, customer_id, command)
    return await get_customer(session, customer_id)


async def get_customer(session: Session, customer_id: str) -> CustomerRegistered:
    """A customer of this tenant, as registered; CustomerIsUnknown."""
    if not has_prefix("cus", customer_id):
        raise CustomerIsUnknown(customer_id)
    match await session.state(CUSTOMER, customer_id):
        case Registered(customer):
            return customer
        case NoCustomer():
            raise CustomerIsUnknown(customer_id)
