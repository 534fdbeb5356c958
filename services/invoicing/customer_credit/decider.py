"""The credit of a customer in one currency: granted once for each cause, and never used below zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.billing.contracts.invoicing.customer_credit import CustomerCreditGranted, CustomerCreditUsed
from shared.billing.money import Money
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCredit:
    """Give a customer credit for a cause, which `credit_id` is derived from."""

    customer_id: str
    credit_id: str
    invoice_id: str
    amount: Money
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCredit:
    """Use credit of a customer, at most what there is."""

    customer_id: str
    invoice_id: str
    amount: Money
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class CustomerCredit:
    """Minor units that are left, and the causes for which credit was granted."""

    left: int = 0
    granted: frozenset[str] = frozenset()


CreditCommand = GrantCredit | UseCredit
CreditEvent = CustomerCreditGranted | CustomerCreditUsed


def customer_credit_id(customer_id: str, currency: str) -> str:
    """The stream of a customer's credit in a currency."""
    return derived_id("crd", customer_id, currency)


def decide(credit: CustomerCredit, command: CreditCommand) -> Sequence[CreditEvent]:
    """The grant, unless its cause has one; the use of at most what is left, nothing for nothing."""
    match command:
        case GrantCredit():
            if command.credit_id in credit.granted or command.amount.minor <= 0:
                return []
            return [
                CustomerCreditGranted(
                    customer_id=command.customer_id,
                    credit_id=command.credit_id,
                    invoice_id=command.invoice_id,
                    amount=command.amount,
                    reason=command.reason,
                    granted_at=command.now,
                )
            ]
        case UseCredit():
            used = min(command.amount.minor, credit.left)
            if used <= 0:
                return []
            return [
                CustomerCreditUsed(
                    customer_id=command.customer_id,
                    invoice_id=command.invoice_id,
                    amount=Money(used, command.amount.currency),
                    reason=command.reason,
                    used_at=command.now,
                )
            ]


def evolve(credit: CustomerCredit, event: CreditEvent) -> CustomerCredit:
    """The state after an event."""
    match event:
        case CustomerCreditGranted():
            return CustomerCredit(credit.left + event.amount.minor, credit.granted | {event.credit_id})
        case CustomerCreditUsed():
            return CustomerCredit(credit.left - event.amount.minor, credit.granted)


CUSTOMER_CREDIT: Decider[CustomerCredit, CreditCommand, CreditEvent] = Decider(
    CustomerCredit(), decide, evolve
)
