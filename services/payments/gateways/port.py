"""Every way in which payments says no."""

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
    """A payment method as a gateway is told of it: our id for it, and the gateway's own token."""

    method_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Captured:
    """The gateway has the money; `reference` is its name for the charge."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The gateway refused; `hard`: it always will."""

    code: str
    hard: bool


@dataclass(frozen=True, slots=True)
class ChargeNotFound:
    """The gateway has no charge under this key - so far."""


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """No answer that says anything: the money may have been moved, or not."""

    cause: str


@dataclass(frozen=True, slots=True)
class RefundConfirmed:
    """The gateway has sent the money back; `reference` is its name for that."""

    reference: str


CaptureOutcome = Captured | Declined | ChargeNotFound | UnknownOutcome


class PaymentGateway(Protocol):
    """Three endings, because silence is one of them. A key moves money at most once, however often we ask."""

    @property
    def name(self) -> str:
        """What payment methods call it."""
        ...

    def check_token(self, token: str) -> None:
        """Raise TokenIsNotOfThisGateway if no card of this gateway can have such a token."""
        ...

    async def capture(
        self, amount: Money, card: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        """Take the money at most once per key; the same key again gets the same answer."""
        ...

    async def lookup(self, key: str) -> CaptureOutcome:
        """What became of the capture under this key; moves nothing."""
        ...

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        """Send money of a charge back, at most once per key."""
        ...


Gateways = Mapping[str, PaymentGateway]
"""Every gateway by its name."""
