"""Every way in which payments says no."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.payments.payment_methods import AccountOpened, PaymentMethodAttached
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class CustomerIsUnknown(Refusal):
    """Payments has no account for this customer."""

    code = "customer-unknown"
    kind = RefusalKind.NOT_FOUND


class CardNumberIsRefused(Refusal):
    """Card numbers are not accepted: send the gateway's token for the card."""

    code = "card-number-not-accepted"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPaymentAccount:
    """Remember a customer who may have payment methods."""

    customer_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachPaymentMethod:
    """Keep a gateway's token for a card; it becomes the customer's default."""

    method_id: str
    customer_id: str
    gateway: str
    token: str
    now: datetime


AccountCommand = OpenPaymentAccount | AttachPaymentMethod
AccountEvent = AccountOpened | PaymentMethodAttached


@dataclass(frozen=True, slots=True)
class NoPaymentAccount:
    """The customer has not been heard of."""


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A card that a gateway holds; the token is the gateway's name for it."""

    method_id: str
    gateway: str
    token: str


@dataclass(frozen=True, slots=True)
class PaymentAccount:
    """A customer; `methods` in the order in which they were attached."""

    methods: tuple[PaymentMethod, ...] = ()

    @property
    def default(self) -> PaymentMethod | None:
        """The method to charge: the one attached last."""
        return self.methods[-1] if self.methods else None

    def method(self, method_id: str) -> PaymentMethod:
        """A method that was attached at some time."""
        return next(method for method in self.methods if method.method_id == method_id)


AccountState = NoPaymentAccount | PaymentAccount


def payment_account_id(customer_id: str) -> str:
    """The stream of a customer's account with payments."""
    return derived_id("pac", customer_id)


def method_id_of(customer_id: str, gateway: str, token: str) -> str:
    """One card of one customer has one id, however often it is attached."""
    return derived_id("pm", customer_id, gateway, token)


def decide(account: AccountState, command: AccountCommand) -> Sequence[AccountEvent]:
    """Customers are heard of once; attaching the default again changes nothing."""
    match account, command:
        case NoPaymentAccount(), OpenPaymentAccount():
            return [AccountOpened(customer_id=command.customer_id, opened_at=command.now)]
        case NoPaymentAccount(), AttachPaymentMethod():
            raise CustomerIsUnknown(command.customer_id)
        case PaymentAccount(), AttachPaymentMethod() if account.default != _method(command):
            return [
                PaymentMethodAttached(
                    method_id=command.method_id,
                    customer_id=command.customer_id,
                    gateway=command.gateway,
                    token=command.token,
                    attached_at=command.now,
                )
            ]
        case _:
            return []


def evolve(account: AccountState, event: AccountEvent) -> AccountState:
    """What is true after this event."""
    match account, event:
        case NoPaymentAccount(), AccountOpened():
            return PaymentAccount()
        case PaymentAccount(), PaymentMethodAttached():
            return replace(account, methods=(*account.methods, _method(event)))
    raise ImpossibleHistory(account, event)


ACCOUNT: Decider[AccountState, AccountCommand, AccountEvent] = Decider(NoPaymentAccount(), decide, evolve)


def _method(said: AttachPaymentMethod | PaymentMethodAttached) -> PaymentMethod:
    return PaymentMethod(said.method_id, said.gateway, said.token)
