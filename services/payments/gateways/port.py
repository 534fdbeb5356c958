"""The port of payment gateways: its calls, their outcomes, and the refusals of a gateway name or a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.billing.money import Money
from shared.framework.core.refusals import Refusal, RefusalKind


class GatewayIsUnknown(Refusal):
    """There is no gateway with this name."""

    code = "gateway-unknown"
    kind = RefusalKind.INVALID


class TokenIsNotOfThisGateway(Refusal):
    """The token is not in this gateway's format."""

    code = "payment-token-invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True)
class GatewayPaymentMethod:
    """A payment method as a gateway takes it: our id for it, and the gateway's token."""

    method_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Captured:
    """The gateway took the money; `reference` is its id of the charge."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The gateway took no money; `hard`: a retry with this method is pointless."""

    code: str
    hard: bool


@dataclass(frozen=True, slots=True)
class ChargeNotFound:
    """The gateway has no charge under this key; a call that is still on its way may yet make one."""


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """No response, or one that leaves open whether money was moved; `cause` is a code such as no_answer."""

    cause: str


@dataclass(frozen=True, slots=True)
class RefundConfirmed:
    """The gateway sent the money back; `reference` is its id of the refund."""

    reference: str


CaptureOutcome = Captured | Declined | ChargeNotFound | UnknownOutcome


class PaymentGateway(Protocol):
    """Port of a payment gateway. Every call is idempotent: a key moves money at most once."""

    @property
    def name(self) -> str:
        """The name by which payment methods refer to it."""

    def check_token(self, token: str) -> None:
        """Raise TokenIsNotOfThisGateway if the token is not in this gateway's format."""

    async def capture(
        self, amount: Money, method: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        """Take the amount; the same key again gives the same outcome."""

    async def lookup(self, key: str) -> CaptureOutcome:
        """The outcome of the capture under this key; moves no money."""

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        """Send money of the charge `reference` back, at most once per key."""


Gateways = Mapping[str, PaymentGateway]
"""The gateways of a process by their names."""
