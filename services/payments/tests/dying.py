"""A process that dies at a chosen moment: around any commit, around any call of a gateway."""

from dataclasses import dataclass, field
from typing import Any, cast

from services.payments.gateways.port import (
    Captured,
    CaptureOutcome,
    Declined,
    GatewayPaymentMethod,
    PaymentGateway,
    RefundConfirmed,
    UnknownOutcome,
)
from shared.billing.money import Money
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import ChangeSet, CommitReceipt


class Died(BaseException):
    """The process is gone; what it had committed, and what the gateway did, stays."""


@dataclass(slots=True)
class Fate:
    """Counts the moments at which one can die, and dies at one of them, once."""

    dies_at: int = 0
    passed: list[str] = field(default_factory=list)

    def at(self, moment: str) -> None:
        """Live on, unless this is the moment."""
        self.passed.append(moment)
        if len(self.passed) == self.dies_at:
            raise Died(moment)


class MortalStore:
    """A store whose process may die around a commit."""

    def __init__(self, inner: Store, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        self._fate.at("before commit")
        receipt = await self._inner.commit(changes)
        self._fate.at("after commit")
        return receipt


def mortal(store: Store, fate: Fate) -> Store:
    """The same store, used by somebody who may die."""
    return cast(Store, MortalStore(store, fate))


@dataclass(slots=True)
class MortalGateway:
    """A gateway whose caller may die around a call."""

    inner: PaymentGateway
    fate: Fate

    @property
    def name(self) -> str:
        return self.inner.name

    def check_token(self, token: str) -> None:
        self.inner.check_token(token)

    async def capture(
        self, amount: Money, card: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        self.fate.at("before capture")
        answer = await self.inner.capture(amount, card, key)
        self.fate.at("after capture")
        return answer

    async def lookup(self, key: str) -> CaptureOutcome:
        self.fate.at("before lookup")
        answer = await self.inner.lookup(key)
        self.fate.at("after lookup")
        return answer

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        self.fate.at("before refund")
        answer = await self.inner.refund(reference, amount, key)
        self.fate.at("after refund")
        return answer
