"""Every way in which payments says no."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.billing.contracts.payments.payment_methods import AccountOpened, PaymentMethodAttached
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Kind, Refusal


class CustomerIsUnknown(Refusal):
    """Payments has not heard of this customer."""

    code = "customer-unknown"
    kind = Kind.NOT_FOUND


class CardNumberIsRefused(Refusal):
    """Card numbers are never taken in: send the token that the gateway gave for the card."""

    code = "card-number-refused"
    kind = Kind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """Remember a customer who may have payment methods."""

    customer_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachMethod:
    """Keep a gateway's token for a card; it becomes the customer's default."""

    method_id: str
    customer_id: str
    gateway: str
    token: str
    now: datetime


AccountCommand = OpenAccount | AttachMethod
AccountEvent = AccountOpened | PaymentMethodAttached


@dataclass(frozen=True, slots=True)
class NoAccount:
    """The customer has not been heard of."""


@dataclass(frozen=True, slots=True)
class Method:
    """A card that a gateway holds; the token is the gateway's name for it."""

    method_id: str
    gateway: str
    token: str


@dataclass(frozen=True, slots=True)
class Account:
    """A customer; `methods` in the order in which they were attached."""

    methods: tuple[Method, ...] = ()

    @property
    def default(self) -> Method | None:
        """The method to charge: the one attached last."""
        return self.methods[-1] if self.methods else None

    def method(self, method_id: str) -> Method:
        """A method that was attached at some time."""
        return next(method for method in self.methods if method.method_id == method_id)


AccountState = NoAccount | Account


def account_id(customer_id: str) -> str:
    """The stream of a customer's account with payments."""
    return derived_id("pac", customer_id)


def method_id_of(customer_id: str, gateway: str, token: str) -> str:
    """One card of one customer has one id, however often it is attached."""
    return derived_id("pm", customer_id, gateway, token)


def decide(account: AccountState, command: AccountCommand) -> Sequence[AccountEvent]:
    """Customers are heard of once; attaching the default again changes nothing."""
    match account, command:
        case NoAccount(), OpenAccount():
            return [AccountOpened(customer_id=command.customer_id, opened_at=command.now)]
        case NoAccount(), AttachMethod():
            raise CustomerIsUnknown(command.customer_id)
        case Account(), AttachMethod() if account.default != _method(command):
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
        case NoAccount(), AccountOpened():
            return Account()
        case Account(), PaymentMethodAttached():
            return replace(account, methods=(*account.methods, _method(event)))
    raise ImpossibleHistory(account, event)


ACCOUNT: Decider[AccountState, AccountCommand, AccountEvent] = Decider(NoAccount(), decide, evolve)


def _method(said: AttachMethod | PaymentMethodAttached) -> Method:
    return Method(said.method_id, said.gateway, said.token)
