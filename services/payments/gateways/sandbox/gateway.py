"""A gateway that never leaves the house: stateful, durable, and as unreliable as its tokens say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from services.payments.gateways.port import (
    Captured,
    Card,
    Declined,
    NotFound,
    Outcome,
    PaymentGateway,
    Refunded,
    Silence,
)
from services.payments.gateways.sandbox.ledger import Books, Entry, Refund, Status
from services.payments.gateways.sandbox.postgres import open_books
from services.payments.gateways.sandbox.script import Step, step_at, steps_of
from services.payments.settings import PaymentsSettings
from shared.billing.money import Money
from shared.framework.core.clock import Clock
from shared.framework.core.ids import derived_id

_DECLINES = {Step.SOFT: Declined("insufficient_funds", False), Step.HARD: Declined("stolen_card", True)}
_MUTE = {Step.TIMEOUT_BEFORE, Step.TIMEOUT_AFTER, Step.SLOW}


class KeyWasUsedForAnotherAmount(Exception):
    """An idempotency key names one charge: asking another amount of it is a defect of the caller's."""


class ChargeIsUnknown(Exception):
    """A refund was asked of a charge that the gateway does not have."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Takes no money, remembers everything. `slow_by` is how late a slow charge is made."""

    books: Books
    clock: Clock
    slow_by: timedelta
    name: str = "sandbox"

    def check_token(self, token: str) -> None:
        """Raise TokenIsNotOfThisGateway unless the token is a script."""
        steps_of(token)

    async def capture(self, amount: Money, card: Card, key: str) -> Captured | Declined | Silence:
        """Do what the script says of this card's next charge; the same key again is the same charge."""
        entry, fresh = await self.books.enter(
            key, card.method_id, lambda place: self._begin(amount, card, key, place)
        )
        if entry.amount != amount:
            raise KeyWasUsedForAnotherAmount(key)
        if fresh:
            return await self._first_answer(entry)
        if entry.status is Status.LOST:
            entry = await self.books.arrive(key, self.clock.now())
        answer = self._answer(entry)
        return Silence("in_progress") if isinstance(answer, NotFound) else answer

    async def lookup(self, key: str) -> Outcome:
        """What this key has come to by now."""
        entry = await self.books.find(key)
        return NotFound() if entry is None else self._answer(entry)

    async def refund(self, reference: str, amount: Money, key: str) -> Refunded | Silence:
        """Send the money of a charge back, once per key."""
        charge = await self.books.named(reference)
        if charge is None or not isinstance(self._answer(charge), Captured):
            raise ChargeIsUnknown(reference)
        fresh = await self.books.refund(Refund(key=key, charge_reference=reference, amount=amount))
        if fresh and charge.step == Step.REFUND_TIMEOUT:
            await _fall_silent()
        return Refunded(derived_id("sbr", key))

    def _begin(self, amount: Money, card: Card, key: str, place: int) -> Entry:
        step = step_at(card.token, place)
        status = Status.DECLINED if step in _DECLINES else Status.CHARGED
        late = self.slow_by if step is Step.SLOW else timedelta(0)
        return Entry(
            key=key,
            card=card.method_id,
            place=place,
            step=step,
            amount=amount,
            status=Status.LOST if step is Step.TIMEOUT_BEFORE else status,
            reference=derived_id("sbx", key),
            charged_at=self.clock.now() + late,
        )

    async def _first_answer(self, entry: Entry) -> Captured | Declined | Silence:
        if entry.step in _MUTE:
            await _fall_silent()
        if entry.step == Step.ERROR_AFTER:
            return Silence("http_500")
        answer = self._answer(entry)
        return Silence("in_progress") if isinstance(answer, NotFound) else answer

    def _answer(self, entry: Entry) -> Captured | Declined | NotFound:
        match entry.status:
            case Status.DECLINED:
                return _DECLINES[Step(entry.step)]
            case Status.CHARGED if entry.charged_at <= self.clock.now():
                return Captured(entry.reference)
            case Status.CHARGED | Status.LOST:
                return NotFound()


@asynccontextmanager
async def open_sandbox(settings: PaymentsSettings, clock: Clock) -> AsyncIterator[PaymentGateway]:
    """The sandbox on its own database, until the process ends."""
    async with open_books(settings.sandbox_database_url.get_secret_value()) as books:
        yield Sandbox(books, clock, timedelta(seconds=2 * settings.gateway_time_limit_s))


async def _fall_silent() -> None:
    """Never answer: whoever waits has a time limit."""
    await asyncio.Event().wait()
