"""Every way in which invoicing says no."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.billing_accounts import BillingAccountOpened
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import Refusal, RefusalKind


class CustomerIsUnknown(Refusal):
    """Invoicing has no account for this customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBillingAccount:
    """Remember a customer who may be billed."""

    customer_id: str
    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class NoBillingAccount:
    """The customer has not been heard of."""


@dataclass(frozen=True, slots=True)
class BillingAccount:
    """A customer who may be billed."""

    customer_id: str
    currency: str


AccountState = NoBillingAccount | BillingAccount


def billing_account_id(customer_id: str) -> str:
    """The stream of a customer's billing account."""
    return derived_id("bac", customer_id)


def decide(account: AccountState, command: OpenBillingAccount) -> Sequence[BillingAccountOpened]:
    """A customer is heard of once."""
    match account:
        case NoBillingAccount():
            return [
                BillingAccountOpened(
                    customer_id=command.customer_id,
                    currency=command.currency,
                    time_zone=command.time_zone,
                    opened_at=command.now,
                )
            ]
        case BillingAccount():
            return []


def evolve(_: AccountState, event: BillingAccountOpened) -> AccountState:
    """What is true after this event."""
    return BillingAccount(event.customer_id, event.currency)


ACCOUNT: Decider[AccountState, OpenBillingAccount, BillingAccountOpened] = Decider(
    NoBillingAccount(), decide, evolve
)
