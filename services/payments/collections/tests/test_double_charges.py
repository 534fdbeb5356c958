"""The hunt for a double charge: every fault of the gateway x a death at every point of the saga (F2, F15)."""

from datetime import timedelta

import pytest

from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from services.payments.payment_methods.decider import ACCOUNT, payment_account_id
from services.payments.payment_methods.routes import PaymentMethodBody
from services.payments.tests.dying import Died, Fate, MortalGateway, mortal
from services.payments.tests.running import Running
from services.payments.tests.stories import DAY, DUE, FIVE_MINUTES, HOUR, NOON, REGISTERED, finalized, voided
from shared.billing.contracts import CONTRACTS
from shared.billing.contracts.payments.collections import (
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
)
from shared.billing.contracts.payments.payments import PaymentSucceeded
from shared.framework.core.event import Event, Metadata
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.unit_of_work import transact
from shared.framework.testing.fakes import FakeClock

PAUSES = (timedelta(0), FIVE_MINUTES, HOUR, 3 * DAY, 5 * DAY, 7 * DAY, *[DAY] * 5)
TOKENS = {
    "tok_ok": 1,
    "tok_soft-ok": 1,
    "tok_soft": 0,
    "tok_hard": 0,
    "tok_timeout_before": 1,
    "tok_timeout_after": 1,
    "tok_error_after": 1,
    "tok_slow": 1,
    "tok_soft-timeout_before-ok": 1,
    "tok_soft-slow": 1,
    "tok_refund_timeout": 1,
}
VOIDABLE = (
    "tok_ok",
    "tok_soft-ok",
    "tok_timeout_before",
    "tok_timeout_after",
    "tok_slow",
    "tok_refund_timeout",
)
VOIDS = (0, 1, 4)
"""With which step the invoice is voided: 0 is together with its being finalized."""


class World:
    """What outlives a death: the history, the gateway's books, and time."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.clock = FakeClock(NOON)
        self.store = MemoryEventStore("payments", self.clock, CONTRACTS)
        self.books = MemorySandboxLedger()
        self.house = self.born()

    def born(self) -> Running:
        """A new process over what is left."""
        sandbox = SandboxGateway(self.books, self.clock, timedelta(minutes=10))
        gateway = MortalGateway(sandbox, self.fate)
        return Running(mortal(self.store, self.fate), self.books, gateway, self.clock)

    async def given_card(self, token: str) -> None:
        """A customer with this card: attached in the store, for REST has its own stories."""
        metadata = Metadata(correlation_id="story", actor="acme-agent", occurred_at=NOON)
        await self.house.hear(REGISTERED)
        command = PaymentMethodBody(customer_id="cus_1", gateway="sandbox", token=token).command(now=NOON)
        await transact(
            self.store,
            lambda unit: unit.session("acme", metadata).handle(ACCOUNT, payment_account_id("cus_1"), command),
        )

    async def step(self, pause: timedelta, *facts: Event) -> None:
        """Time passes, facts come, timers fire; whoever dies of it is born again and hears it again."""
        self.clock.move(pause)
        while True:
            try:
                await self.house.hear(*facts)
                return await self.house.settle()
            except Died:
                self.house = self.born()


async def lived(token: str, void_at: int | None, dies_at: int) -> World:
    """A whole life of one invoice, with at most one death in it."""
    world = World(Fate())
    await world.given_card(token)
    world.fate.passed.clear()
    world.fate.dies_at = dies_at
    for place, pause in enumerate(PAUSES):
        facts = [finalized()] if place == 0 else []
        await world.step(pause, *facts, *([voided()] if place == void_at else []))
    return world


async def deaths(token: str, void_at: int | None) -> range:
    """Every moment at which that life can end."""
    return range(1, len((await lived(token, void_at, 0)).fate.passed) + 1)


@pytest.mark.parametrize("token", TOKENS)
async def test_no_death_and_no_fault_of_the_gateway_charges_twice(token: str) -> None:
    """One capture if the card can pay, none if it cannot; the saga ends, and both books agree."""
    for dies_at in await deaths(token, None):
        world = await lived(token, None, dies_at)
        moment = world.fate.passed[dies_at - 1]
        assert len(await world.house.charges()) == TOKENS[token], (dies_at, moment)
        assert len(await world.house.said(PaymentSucceeded)) == TOKENS[token], (dies_at, moment)
        assert len(await world.house.said(CollectionCompleted)) == TOKENS[token], (dies_at, moment)
        assert len(await world.house.said(CollectionGaveUp)) == 1 - TOKENS[token], (dies_at, moment)
        assert await world.house.told_of_money() == DUE.minor * TOKENS[token], (dies_at, moment)


@pytest.mark.parametrize("void_at", VOIDS)
@pytest.mark.parametrize("token", VOIDABLE)
async def test_no_death_keeps_money_of_a_voided_invoice(token: str, void_at: int) -> None:
    """Whenever the void comes and whoever dies: at most one charge, and everything goes back."""
    for dies_at in await deaths(token, void_at):
        world = await lived(token, void_at, dies_at)
        moment = world.fate.passed[dies_at - 1]
        assert len(await world.house.charges()) <= 1, (dies_at, moment)
        assert await world.house.money_at_the_gateway() == 0, (dies_at, moment)
        assert await world.house.told_of_money() == 0, (dies_at, moment)
        assert len(await world.house.said(CollectionCancelled)) == 1, (dies_at, moment)


async def test_the_hunt_passes_the_moments_that_matter() -> None:
    """Otherwise it would prove nothing: a life with a lost request, a refund and all."""
    world = await lived("tok_timeout_before", 2, 0)
    assert {"before capture", "after capture", "before lookup", "after refund"} <= set(world.fate.passed)
    assert len(world.fate.passed) > 20
