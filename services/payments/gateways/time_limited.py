"""A gateway with a time limit: a call that exceeds it has an unknown outcome. Its calls are measured."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from services.payments.gateways.port import (
    Captured,
    CaptureOutcome,
    ChargeNotFound,
    Declined,
    GatewayPaymentMethod,
    PaymentGateway,
    RefundConfirmed,
    UnknownOutcome,
)
from shared.billing.money import Money
from shared.framework.observability import metrics

T = TypeVar("T")

GATEWAY_TIMEOUT = "no_answer"
OUTCOMES: Mapping[type, str] = {
    Captured: "captured",
    Declined: "declined",
    UnknownOutcome: "unknown",
    ChargeNotFound: "not_found",
    RefundConfirmed: "refunded",
}
"""The label of the metric; an exception is `failed`."""


@dataclass(frozen=True, slots=True)
class TimeLimitedGateway:
    """The inner gateway; a call is abandoned after `limit_s` seconds, and may have moved money by then."""

    inner: PaymentGateway
    limit_s: float

    @property
    def name(self) -> str:
        """See PaymentGateway."""
        return self.inner.name

    def check_token(self, token: str) -> None:
        """See PaymentGateway."""
        self.inner.check_token(token)

    async def capture(
        self, amount: Money, method: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        """See PaymentGateway."""
        return await self._in_time("capture", self.inner.capture(amount, method, key))

    async def lookup(self, key: str) -> CaptureOutcome:
        """See PaymentGateway."""
        return await self._in_time("lookup", self.inner.lookup(key))

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        """See PaymentGateway."""
        return await self._in_time("refund", self.inner.refund(reference, amount, key))

    async def _in_time(self, name: str, call: Coroutine[Any, Any, T]) -> T | UnknownOutcome:
        outcome = "failed"
        try:
            with metrics.GATEWAY_SECONDS.labels(self.name, name).time():
                result = await self._limited(call)
            outcome = OUTCOMES.get(type(result), outcome)
            return result
        finally:
            metrics.GATEWAY_CALLS.labels(self.name, outcome).inc()

    async def _limited(self, call: Coroutine[Any, Any, T]) -> T | UnknownOutcome:
        try:
            async with asyncio.timeout(self.limit_s):
                return await call
        except TimeoutError:
            return UnknownOutcome(GATEWAY_TIMEOUT)
