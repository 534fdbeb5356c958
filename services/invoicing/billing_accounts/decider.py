"""A billing account: opened once, for a registered customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.billing_accounts import BillingAccountOpened
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import Refusal, RefusalKind


class CustomerIsUnknown(Refusal):
    """Invoicing has no account for this customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND
    reference_to = "subscriptions"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBillingAccount:
    """Open the account of a customer who may be billed."""

    customer: CustomerRegistered
    now: datetime


@dataclass(frozen=True, slots=True)
class NoBillingAccount:
    """The customer's registration has not been consumed."""


BillingAccount = NoBillingAccount | BillingAccountOpened


def billing_account_id(customer_id: str) -> str:
    """The stream of a customer's billing account."""
    return derived_id("bac", customer_id)


def decide(account: BillingAccount, command: OpenBillingAccount) -> Sequence[BillingAccountOpened]:
    """The opening; nothing if the account is open."""
    if isinstance(account, BillingAccountOpened):
        return []
    customer = command.customer
    return [
        BillingAccountOpened(
            customer_id=customer.customer_id,
            currency=customer.currency,
            time_zone=customer.time_zone,
            opened_at=command.now,
        )
    ]


def evolve(_: BillingAccount, event: BillingAccountOpened) -> BillingAccount:
    """The state after an event."""
    return event


BILLING_ACCOUNT: Decider[BillingAccount, OpenBillingAccount, BillingAccountOpened] = Decider(
    NoBillingAccount(), decide, evolve
)
