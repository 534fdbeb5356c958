"""The payment account of one customer: the payment methods that were attached, as gateway tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.payments.payment_methods import (
    AccountOpened,
    CollectionLeftUnpaid,
    PaymentMethodAttached,
)
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class CustomerIsUnknown(Refusal):
    """Payments has no account for this customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND
    reference_to = "subscriptions"


class PaymentMethodIsUnknown(Refusal):
    """The customer has no such payment method."""

    code = "payment-method-unknown"
    kind = RefusalKind.NOT_FOUND


class CardNumberIsRefused(Refusal):
    """Card numbers are not accepted: send the gateway's token for the card."""

    code = "card-number-not-accepted"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPaymentAccount:
    """Open an account, to which payment methods can be attached."""

    customer_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachPaymentMethod:
    """Store a gateway's token for a card; it becomes the customer's default method."""

    method_id: str
    customer_id: str
    gateway: str
    token: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveUnpaid:
    """Remember an invoice that the customer's present method did not pay, for the next method."""

    customer_id: str
    invoice_id: str
    now: datetime


AccountCommand = OpenPaymentAccount | AttachPaymentMethod | LeaveUnpaid
AccountEvent = AccountOpened | PaymentMethodAttached | CollectionLeftUnpaid


@dataclass(frozen=True, slots=True)
class NoPaymentAccount:
    """The customer has no account; `unpaid` as in PaymentAccount."""

    unpaid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """A customer's account; `methods` in the order in which they were attached.

    `unpaid`: the invoices that the last method did not pay; some may be paid or voided since.
    """

    methods: tuple[PaymentMethodAttached, ...] = ()
    unpaid: tuple[str, ...] = ()

    @property
    def default(self) -> PaymentMethodAttached | None:
        """The method to charge: the one attached last."""
        return self.methods[-1] if self.methods else None

    def method(self, method_id: str) -> PaymentMethodAttached:
        """The attached method with this id. Raises StopIteration if there is none."""
        return next(method for method in self.methods if method.method_id == method_id)


AccountState = NoPaymentAccount | PaymentAccount


def payment_account_id(customer_id: str) -> str:
    """The stream id of a customer's payment account."""
    return derived_id("pac", customer_id)


def method_id_of(customer_id: str, gateway: str, token: str) -> str:
    """The id of a payment method: the same for the same card of the same customer."""
    return derived_id("pm", customer_id, gateway, token)


def decide(account: AccountState, command: AccountCommand) -> Sequence[AccountEvent]:
    """The events of a command; opening an account again or attaching the default again gives none."""
    match account, command:
        case NoPaymentAccount(), OpenPaymentAccount():
            return [AccountOpened(customer_id=command.customer_id, opened_at=command.now)]
        case NoPaymentAccount(), AttachPaymentMethod():
            raise CustomerIsUnknown(command.customer_id)
        case PaymentAccount(default=method), AttachPaymentMethod() if (
            method is None or method.method_id != command.method_id
        ):
            return [
                PaymentMethodAttached(
                    method_id=command.method_id,
                    customer_id=command.customer_id,
                    gateway=command.gateway,
                    token=command.token,
                    attached_at=command.now,
                )
            ]
        case _, LeaveUnpaid() if command.invoice_id not in account.unpaid:
            return [
                CollectionLeftUnpaid(
                    customer_id=command.customer_id, invoice_id=command.invoice_id, left_at=command.now
                )
            ]
        case _:
            return []


def evolve(account: AccountState, event: AccountEvent) -> AccountState:
    """The state after an event."""
    match account, event:
        case NoPaymentAccount(unpaid), AccountOpened():
            return PaymentAccount(unpaid=unpaid)
        case _, CollectionLeftUnpaid():
            return replace(account, unpaid=(*account.unpaid, event.invoice_id))
        case PaymentAccount(methods), PaymentMethodAttached():
            return PaymentAccount((*methods, event))
    raise ImpossibleHistory(account, event)


ACCOUNT: Decider[AccountState, AccountCommand, AccountEvent] = Decider(NoPaymentAccount(), decide, evolve)
