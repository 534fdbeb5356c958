"""Every way in which this domain says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.currency import checked_currency
from shared.billing.period import zone_named
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class CustomerIsUnknown(Refusal):
    """There is no such customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND


class CustomerExists(Refusal):
    """A customer with this external id exists, with another currency or time zone."""

    code = "customer-exists"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCustomer:
    """Know somebody who may be billed, in one currency, by the calendar of one zone."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class NoCustomer:
    """Nobody is known by this id."""


@dataclass(frozen=True, slots=True)
class Registered:
    """Somebody who may be billed, as they were registered."""

    customer: CustomerRegistered


Customer = NoCustomer | Registered


def customer_id_of(tenant_id: str, external_id: str) -> str:
    """The tenant's own name for a customer is one customer."""
    return derived_id("cus", tenant_id, external_id)


def registered(customer_id: str, state: Customer) -> CustomerRegistered:
    """The customer as registered; CustomerIsUnknown if there is none."""
    if isinstance(state, NoCustomer):
        raise CustomerIsUnknown(customer_id)
    return state.customer


def register(state: Customer, command: RegisterCustomer) -> Sequence[CustomerRegistered]:
    """An external id names one customer for ever; asking for the same again changes nothing."""
    match state:
        case NoCustomer():
            return [
                CustomerRegistered(
                    customer_id=command.customer_id,
                    external_id=command.external_id,
                    currency=checked_currency(command.currency),
                    time_zone=zone_named(command.time_zone).key,
                    registered_at=command.now,
                )
            ]
        case Registered(customer):
            if (customer.currency, customer.time_zone) != (command.currency, command.time_zone):
                raise CustomerExists(f"{customer.external_id}: {customer.currency}, {customer.time_zone}")
            return []


def evolve(state: Customer, event: CustomerRegistered) -> Customer:
    """What is true after this event."""
    match state, event:
        case NoCustomer(), CustomerRegistered():
            return Registered(event)
    raise ImpossibleHistory(state, event)


CUSTOMER: Decider[Customer, RegisterCustomer, CustomerRegistered] = Decider(NoCustomer(), register, evolve)
