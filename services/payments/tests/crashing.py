"""A process that crashes at a chosen point: before or after a commit or a call of a gateway."""

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


class Crashed(BaseException):
    """The process has crashed; its commits and the gateway's charges remain."""


@dataclass(slots=True)
class CrashPoints:
    """The points passed so far; the one numbered `crash_at` (from 1; 0: none) raises Crashed."""

    crash_at: int = 0
    passed: list[str] = field(default_factory=list)

    def at(self, point: str) -> None:
        """Pass this point."""
        self.passed.append(point)
        if len(self.passed) == self.crash_at:
            raise Crashed(point)


class CrashingStore:
    """A store with a crash point before and after each commit."""

    def __init__(self, inner: Store, points: CrashPoints) -> None:
        self._inner = inner
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        self._points.at("before commit")
        receipt = await self._inner.commit(changes)
        self._points.at("after commit")
        return receipt


def crashing_store(store: Store, points: CrashPoints) -> Store:
    """The store with crash points."""
    return cast(Store, CrashingStore(store, points))


@dataclass(slots=True)
class CrashingGateway:
    """A gateway with a crash point before and after each call."""

    inner: PaymentGateway
    points: CrashPoints

    @property
    def name(self) -> str:
        return self.inner.name

    def check_token(self, token: str) -> None:
        self.inner.check_token(token)

    async def capture(
        self, amount: Money, method: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        self.points.at("before capture")
        response = await self.inner.capture(amount, method, key)
        self.points.at("after capture")
        return response

    async def lookup(self, key: str) -> CaptureOutcome:
        self.points.at("before lookup")
        response = await self.inner.lookup(key)
        self.points.at("after lookup")
        return response

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        self.points.at("before refund")
        response = await self.inner.refund(reference, amount, key)
        self.points.at("after refund")
        return response
