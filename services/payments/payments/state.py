"""The states of a payment; `order` is the event that requested it."""

from dataclasses import dataclass

from shared.billing.contracts.payments.payments import PaymentRequested
from shared.billing.contracts.payments.refunds import RefundRequested


@dataclass(frozen=True, slots=True)
class NoPayment:
    """No payment was requested."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The payment is requested; the gateway has not been called."""

    order: PaymentRequested


@dataclass(frozen=True, slots=True)
class Submitted:
    """The gateway was called, or was about to be when the process ended; `unknowns` as in Unknown."""

    order: PaymentRequested
    unknowns: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """The money may have been taken or not; `unknowns` counts the unknown outcomes recorded so far."""

    order: PaymentRequested
    unknowns: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The gateway took the money; `reference` is its id of the charge."""

    order: PaymentRequested
    reference: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No money was taken, and none will be under this key."""

    order: PaymentRequested


@dataclass(frozen=True, slots=True)
class Refunding:
    """A refund of the charge `reference` is requested; the gateway has not confirmed it."""

    order: PaymentRequested
    reference: str
    refund: RefundRequested


@dataclass(frozen=True, slots=True)
class Refunded:
    """The gateway sent the money back."""

    order: PaymentRequested


Payment = NoPayment | Requested | Submitted | Unknown | Succeeded | Failed | Refunding | Refunded
