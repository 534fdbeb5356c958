"""Where an attempt to take money can stand."""

from dataclasses import dataclass

from shared.billing.contracts.payments.payments import PaymentRequested
from shared.billing.contracts.payments.refunds import RefundRequested


@dataclass(frozen=True, slots=True)
class NoPayment:
    """Nobody has asked for it."""


@dataclass(frozen=True, slots=True)
class Requested:
    """To be taken; the gateway has not been asked."""

    order: PaymentRequested


@dataclass(frozen=True, slots=True)
class Submitted:
    """The gateway was asked, or was about to be; `checks_made` counts the silences before."""

    order: PaymentRequested
    checks_made: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """The gateway did not answer: the money may have been taken."""

    order: PaymentRequested
    checks_made: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The gateway has the money."""

    order: PaymentRequested
    reference: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No money was taken, and none will be under this key."""

    order: PaymentRequested


@dataclass(frozen=True, slots=True)
class Refunding:
    """The money is to go back; the gateway has not confirmed it."""

    order: PaymentRequested
    reference: str
    refund: RefundRequested


@dataclass(frozen=True, slots=True)
class Refunded:
    """The money has gone back."""

    order: PaymentRequested


Payment = NoPayment | Requested | Submitted | Unknown | Succeeded | Failed | Refunding | Refunded
