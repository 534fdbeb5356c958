"""A payment gateway that simulates payments: stateful, durable, and failing as its tokens prescribe."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
from services.payments.gateways.sandbox.ledger import (
    ChargeStatus,
    SandboxCharge,
    SandboxLedger,
    SandboxRefund,
)
from services.payments.gateways.sandbox.postgres import open_ledger
from services.payments.gateways.sandbox.script import ScriptedOutcome, step_at, steps_of
from shared.billing.money import Money
from shared.framework.core.clock import Clock
from shared.framework.core.ids import derived_id

_DECLINES = {
    ScriptedOutcome.SOFT: Declined("insufficient_funds", False),
    ScriptedOutcome.HARD: Declined("stolen_card", True),
}
_WITHOUT_RESPONSE = {ScriptedOutcome.TIMEOUT_BEFORE, ScriptedOutcome.TIMEOUT_AFTER, ScriptedOutcome.SLOW}


class SandboxSettings(BaseSettings):
    """The settings of the sandbox gateway."""

    model_config = SettingsConfigDict(env_prefix="TOLLHOUSE_", frozen=True)

    sandbox_database_url: SecretStr


class KeyWasUsedForAnotherAmount(Exception):
    """An idempotency key names one charge; another amount under it is a defect of the caller."""


class ChargeIsUnknown(Exception):
    """A refund refers to a charge that the gateway has not made."""


@dataclass(frozen=True, slots=True)
class SandboxGateway:
    """A gateway over a ledger. `slow_by` is how long after the call a slow charge is made."""

    ledger: SandboxLedger
    clock: Clock
    slow_by: timedelta
    name: str = "sandbox"

    def check_token(self, token: str) -> None:
        """See PaymentGateway. A token is a script of outcomes."""
        steps_of(token)

    async def capture(
        self, amount: Money, method: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        """See PaymentGateway. A new key uses the next step of the card's script."""
        charge, is_new = await self.ledger.get_or_create(
            key, method.method_id, lambda index: self._new_charge(amount, method, key, index)
        )
        if charge.amount != amount:
            raise KeyWasUsedForAnotherAmount(key)
        if is_new and charge.step in _WITHOUT_RESPONSE:
            await _never_respond()
        if is_new and charge.step == ScriptedOutcome.ERROR_AFTER:
            return UnknownOutcome("http_500")
        if charge.status is ChargeStatus.LOST:
            await self.ledger.complete_late(key, self.clock.now())
            return Captured(charge.reference)
        outcome = self._outcome(charge)
        return UnknownOutcome("in_progress") if isinstance(outcome, ChargeNotFound) else outcome

    async def lookup(self, key: str) -> CaptureOutcome:
        """See PaymentGateway."""
        charge = await self.ledger.find(key)
        return ChargeNotFound() if charge is None else self._outcome(charge)

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        """See PaymentGateway."""
        charge = await self.ledger.find(reference)
        if charge is None or not isinstance(self._outcome(charge), Captured):
            raise ChargeIsUnknown(reference)
        is_new = await self.ledger.refund(SandboxRefund(key=key, charge_reference=reference, amount=amount))
        if is_new and charge.step == ScriptedOutcome.REFUND_TIMEOUT:
            await _never_respond()
        return RefundConfirmed(derived_id("sbr", key))

    def _new_charge(self, amount: Money, method: GatewayPaymentMethod, key: str, index: int) -> SandboxCharge:
        step = step_at(method.token, index)
        status = ChargeStatus.DECLINED if step in _DECLINES else ChargeStatus.CHARGED
        late = self.slow_by if step is ScriptedOutcome.SLOW else timedelta(0)
        return SandboxCharge(
            key=key,
            card=method.method_id,
            index=index,
            step=step,
            amount=amount,
            status=ChargeStatus.LOST if step is ScriptedOutcome.TIMEOUT_BEFORE else status,
            reference=derived_id("sbx", key),
            charged_at=self.clock.now() + late,
        )

    def _outcome(self, charge: SandboxCharge) -> Captured | Declined | ChargeNotFound:
        match charge.status:
            case ChargeStatus.DECLINED:
                return _DECLINES[ScriptedOutcome(charge.step)]
            case ChargeStatus.CHARGED if charge.charged_at <= self.clock.now():
                return Captured(charge.reference)
            case ChargeStatus.CHARGED | ChargeStatus.LOST:
                return ChargeNotFound()


@asynccontextmanager
async def open_sandbox(clock: Clock, timeout_s: float) -> AsyncIterator[PaymentGateway]:
    """The sandbox on its own database."""
    settings = SandboxSettings()  # read from the environment
    async with open_ledger(settings.sandbox_database_url.get_secret_value()) as ledger:
        yield SandboxGateway(ledger, clock, timedelta(seconds=2 * timeout_s))


async def _never_respond() -> None:
    """Wait without end; the caller has a time limit."""
    await asyncio.Event().wait()
