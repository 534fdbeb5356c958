"""A customer: registered once, with a currency and a time zone that never change."""

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
    """Register a customer, who is billed in one currency and by the calendar of one IANA time zone."""

    customer_id: str
    external_id: str
    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class NoCustomer:
    """No customer is registered under this id."""


Customer = NoCustomer | CustomerRegistered
"""The state of a customer's stream; nothing changes after the registration."""


def customer_id_of(tenant_id: str, external_id: str) -> str:
    """The id (and stream) of the customer whom a tenant calls `external_id`."""
    return derived_id("cus", tenant_id, external_id)


def registered(customer_id: str, state: Customer) -> CustomerRegistered:
    """The customer's registration. Raises CustomerIsUnknown if there is none."""
    if isinstance(state, NoCustomer):
        raise CustomerIsUnknown(customer_id)
    return state


def register(state: Customer, command: RegisterCustomer) -> Sequence[CustomerRegistered]:
    """The registration, or nothing if it repeats the first one.

    Raises CustomerExists for another currency or zone, CurrencyIsUnknown and ZoneIsUnknown.
    """
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
        case CustomerRegistered():
            if (state.currency, state.time_zone) != (command.currency, command.time_zone):
                raise CustomerExists(f"{state.external_id}: {state.currency}, {state.time_zone}")
            return []


def evolve(state: Customer, event: CustomerRegistered) -> Customer:
    """The state after an event. Raises ImpossibleHistory for a second registration."""
    if isinstance(state, NoCustomer):
        return event
    raise ImpossibleHistory(state, event)


CUSTOMER: Decider[Customer, RegisterCustomer, CustomerRegistered] = Decider(NoCustomer(), register, evolve)
