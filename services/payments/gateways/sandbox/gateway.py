"""A gateway that never leaves the house: stateful, durable, and as unreliable as its tokens say."""

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
from services.payments.gateways.sandbox.postgres import open_books
from services.payments.gateways.sandbox.script import ScriptedOutcome, step_at, steps_of
from shared.billing.money import Money
from shared.framework.core.clock import Clock
from shared.framework.core.ids import derived_id

_DECLINES = {
    ScriptedOutcome.SOFT: Declined("insufficient_funds", False),
    ScriptedOutcome.HARD: Declined("stolen_card", True),
}
_MUTE = {ScriptedOutcome.TIMEOUT_BEFORE, ScriptedOutcome.TIMEOUT_AFTER, ScriptedOutcome.SLOW}


class SandboxSettings(BaseSettings):
    """What only the sandbox is told from outside: `TOLLHOUSE_SANDBOX_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="TOLLHOUSE_", frozen=True)

    sandbox_database_url: SecretStr


class KeyWasUsedForAnotherAmount(Exception):
    """An idempotency key names one charge: asking another amount of it is a defect of the caller's."""


class ChargeIsUnknown(Exception):
    """A refund was asked of a charge that the gateway does not have."""


@dataclass(frozen=True, slots=True)
class SandboxGateway:
    """Takes no money, remembers everything. `slow_by` is how late a slow charge is made."""

    books: SandboxLedger
    clock: Clock
    slow_by: timedelta
    name: str = "sandbox"

    def check_token(self, token: str) -> None:
        """Raise TokenIsNotOfThisGateway unless the token is a script."""
        steps_of(token)

    async def capture(
        self, amount: Money, card: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        """Do what the script says of this card's next charge; the same key again is the same charge."""
        entry, fresh = await self.books.get_or_create(
            key, card.method_id, lambda place: self._begin(amount, card, key, place)
        )
        if entry.amount != amount:
            raise KeyWasUsedForAnotherAmount(key)
        if fresh:
            return await self._first_answer(entry)
        if entry.status is ChargeStatus.LOST:
            entry = await self.books.complete_late(key, self.clock.now())
        answer = self._answer(entry)
        return UnknownOutcome("in_progress") if isinstance(answer, ChargeNotFound) else answer

    async def lookup(self, key: str) -> CaptureOutcome:
        """What this key has come to by now."""
        entry = await self.books.find(key)
        return ChargeNotFound() if entry is None else self._answer(entry)

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        """Send the money of a charge back, once per key."""
        charge = await self.books.by_reference(reference)
        if charge is None or not isinstance(self._answer(charge), Captured):
            raise ChargeIsUnknown(reference)
        fresh = await self.books.refund(SandboxRefund(key=key, charge_reference=reference, amount=amount))
        if fresh and charge.step == ScriptedOutcome.REFUND_TIMEOUT:
            await _never_answer()
        return RefundConfirmed(derived_id("sbr", key))

    def _begin(self, amount: Money, card: GatewayPaymentMethod, key: str, place: int) -> SandboxCharge:
        step = step_at(card.token, place)
        status = ChargeStatus.DECLINED if step in _DECLINES else ChargeStatus.CHARGED
        late = self.slow_by if step is ScriptedOutcome.SLOW else timedelta(0)
        return SandboxCharge(
            key=key,
            card=card.method_id,
            place=place,
            step=step,
            amount=amount,
            status=ChargeStatus.LOST if step is ScriptedOutcome.TIMEOUT_BEFORE else status,
            reference=derived_id("sbx", key),
            charged_at=self.clock.now() + late,
        )

    async def _first_answer(self, entry: SandboxCharge) -> Captured | Declined | UnknownOutcome:
        if entry.step in _MUTE:
            await _never_answer()
        if entry.step == ScriptedOutcome.ERROR_AFTER:
            return UnknownOutcome("http_500")
        answer = self._answer(entry)
        return UnknownOutcome("in_progress") if isinstance(answer, ChargeNotFound) else answer

    def _answer(self, entry: SandboxCharge) -> Captured | Declined | ChargeNotFound:
        match entry.status:
            case ChargeStatus.DECLINED:
                return _DECLINES[ScriptedOutcome(entry.step)]
            case ChargeStatus.CHARGED if entry.charged_at <= self.clock.now():
                return Captured(entry.reference)
            case ChargeStatus.CHARGED | ChargeStatus.LOST:
                return ChargeNotFound()


@asynccontextmanager
async def open_sandbox(clock: Clock, timeout_s: float) -> AsyncIterator[PaymentGateway]:
    """The sandbox on its own database, until the process ends."""
    settings = SandboxSettings()  # what is missing comes from the environment
    async with open_books(settings.sandbox_database_url.get_secret_value()) as books:
        yield SandboxGateway(books, clock, timedelta(seconds=2 * timeout_s))


async def _never_answer() -> None:
    """Never answer: whoever waits has a time limit."""
    await asyncio.Event().wait()
