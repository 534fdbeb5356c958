"""Every way in which invoicing says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.billing_accounts import BillingAccountOpened
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import Kind, Refusal


class CustomerIsUnknown(Refusal):
    """Invoicing has not heard of this customer."""

    code = "customer-unknown"
    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """Remember a customer who may be billed."""

    customer_id: str
    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class NoAccount:
    """The customer has not been heard of."""


@dataclass(frozen=True, slots=True)
class Account:
    """A customer who may be billed."""

    customer_id: str
    currency: str


AccountState = NoAccount | Account


def account_id(customer_id: str) -> str:
    """The stream of a customer's billing account."""
    return derived_id("bac", customer_id)


def decide(account: AccountState, command: OpenAccount) -> Sequence[BillingAccountOpened]:
    """A customer is heard of once."""
    match account:
        case NoAccount():
            return [
                BillingAccountOpened(
                    customer_id=command.customer_id,
                    currency=command.currency,
                    time_zone=command.time_zone,
                    opened_at=command.now,
                )
            ]
        case Account():
            return []


def evolve(_: AccountState, event: BillingAccountOpened) -> AccountState:
    """What is true after this event."""
    return Account(event.customer_id, event.currency)


ACCOUNT: Decider[AccountState, OpenAccount, BillingAccountOpened] = Decider(NoAccount(), decide, evolve)
