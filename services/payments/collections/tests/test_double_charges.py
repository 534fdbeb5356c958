"""No double charge: every fault of the gateway x a crash at every point of the saga (F2, F15)."""

from datetime import timedelta

import pytest

from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from services.payments.payment_methods.decider import ACCOUNT, payment_account_id
from services.payments.payment_methods.routes import PaymentMethodBody
from services.payments.tests.crashing import Crashed, CrashingGateway, CrashPoints, crashing_store
from services.payments.tests.harness import PaymentsHarness
from services.payments.tests.scenarios import (
    DAY,
    DUE,
    FIVE_MINUTES,
    HOUR,
    NOON,
    REGISTERED,
    finalized,
    voided,
)
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
"""The step with which the invoice is voided; 0: the step in which it is finalized."""


class Scenario:
    """What remains after a crash: the store, the gateway's ledger and the clock."""

    def __init__(self, points: CrashPoints) -> None:
        self.points = points
        self.clock = FakeClock(NOON)
        self.store = MemoryEventStore("payments", self.clock, CONTRACTS)
        self.ledger = MemorySandboxLedger()
        self.payments = self.new_process()

    def new_process(self) -> PaymentsHarness:
        """A new process on the same store and ledger."""
        sandbox = SandboxGateway(self.ledger, self.clock, timedelta(minutes=10))
        gateway = CrashingGateway(sandbox, self.points)
        return PaymentsHarness(crashing_store(self.store, self.points), self.ledger, gateway, self.clock)

    async def register(self, token: str) -> None:
        """Register a customer with this card, without HTTP."""
        metadata = Metadata(correlation_id="test", actor="acme-agent", occurred_at=NOON)
        await self.payments.deliver(REGISTERED)
        command = PaymentMethodBody(customer_id="cus_1", gateway="sandbox", token=token).command(now=NOON)
        await transact(
            self.store,
            lambda unit: unit.session("acme", metadata).handle(ACCOUNT, payment_account_id("cus_1"), command),
        )

    async def step(self, pause: timedelta, *events: Event) -> None:
        """Move the clock, deliver events and fire timers; after a crash again in a new process."""
        self.clock.move(pause)
        while True:
            try:
                await self.payments.deliver(*events)
                return await self.payments.fire_due_timers()
            except Crashed:
                self.payments = self.new_process()


async def run(token: str, void_at: int | None, crash_at: int) -> Scenario:
    """One invoice from start to end, with at most one crash."""
    scenario = Scenario(CrashPoints())
    await scenario.register(token)
    scenario.points.passed.clear()
    scenario.points.crash_at = crash_at
    for index, pause in enumerate(PAUSES):
        invoiced = [finalized()] if index == 0 else []
        await scenario.step(pause, *invoiced, *([voided()] if index == void_at else []))
    return scenario


async def crash_points(token: str, void_at: int | None) -> range:
    """The numbers of all crash points of that run."""
    return range(1, len((await run(token, void_at, 0)).points.passed) + 1)


@pytest.mark.parametrize("token", TOKENS)
async def test_no_death_and_no_fault_of_the_gateway_charges_twice(token: str) -> None:
    """One capture if the card can pay, none if it cannot; the saga ends, and events and ledger agree."""
    for crash_at in await crash_points(token, None):
        scenario = await run(token, None, crash_at)
        point = scenario.points.passed[crash_at - 1]
        assert len(await scenario.payments.charges()) == TOKENS[token], (crash_at, point)
        assert len(await scenario.payments.events(PaymentSucceeded)) == TOKENS[token], (crash_at, point)
        assert len(await scenario.payments.events(CollectionCompleted)) == TOKENS[token], (crash_at, point)
        assert len(await scenario.payments.events(CollectionGaveUp)) == 1 - TOKENS[token], (crash_at, point)
        assert await scenario.payments.received_by_events() == DUE.minor * TOKENS[token], (crash_at, point)


@pytest.mark.parametrize("void_at", VOIDS)
@pytest.mark.parametrize("token", VOIDABLE)
async def test_no_death_keeps_money_of_a_voided_invoice(token: str, void_at: int) -> None:
    """At every step of the void and every crash: at most one charge, and everything is refunded."""
    for crash_at in await crash_points(token, void_at):
        scenario = await run(token, void_at, crash_at)
        point = scenario.points.passed[crash_at - 1]
        assert len(await scenario.payments.charges()) <= 1, (crash_at, point)
        assert await scenario.payments.received_by_gateway() == 0, (crash_at, point)
        assert await scenario.payments.received_by_events() == 0, (crash_at, point)
        assert len(await scenario.payments.events(CollectionCancelled)) == 1, (crash_at, point)


async def test_the_hunt_passes_the_moments_that_matter() -> None:
    """A run with a lost request and a refund passes the points of every kind of call."""
    scenario = await run("tok_timeout_before", 2, 0)
    assert {"before capture", "after capture", "before lookup", "after refund"} <= set(scenario.points.passed)
    assert len(scenario.points.passed) > 20
