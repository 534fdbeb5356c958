"""A gateway that says nothing at all: asked by schedule, given up on, and never charged again."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.payments.gateways.port import (
    Captured,
    CaptureOutcome,
    Declined,
    GatewayPaymentMethod,
    RefundConfirmed,
    UnknownOutcome,
)
from services.payments.gateways.sandbox.gateway import SandboxGateway
from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from services.payments.tests.running import FOR_EVER, Running
from services.payments.tests.stories import DAY, DUE, INVOICE, NOON, POLICY, finalized, voided
from shared.billing.contracts.payments.collections import CollectionCompleted, CollectionGaveUp
from shared.billing.contracts.payments.payments import PaymentSucceeded, PaymentUnknown
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.billing.money import Money
from shared.framework.testing.fakes import FakeClock


@dataclass(slots=True)
class Line:
    """A sandbox at the end of a line that can be dead: it hears, and its answers are lost."""

    inner: SandboxGateway
    dead: bool = True
    cut: bool = False
    """Cut: the answer is lost in an exception of the line's own."""
    name: str = "sandbox"

    def check_token(self, token: str) -> None:
        self.inner.check_token(token)

    async def capture(
        self, amount: Money, card: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        answer = await self.inner.capture(amount, card, key)
        if self.cut:
            raise ConnectionError("cut")
        return UnknownOutcome("line_dead") if self.dead else answer

    async def lookup(self, key: str) -> CaptureOutcome:
        return UnknownOutcome("line_dead") if self.dead else await self.inner.lookup(key)

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        answer = await self.inner.refund(reference, amount, key)
        return UnknownOutcome("line_dead") if self.dead else answer


async def silent(token: str = "tok_ok") -> tuple[Running, Line]:
    """An invoice whose charge was made, and not told."""
    clock, books = FakeClock(NOON), MemorySandboxLedger()
    line = Line(SandboxGateway(books, clock, timedelta(0)))
    house = Running(books=books, gateway=line, clock=clock)
    await house.customer(token)
    await house.hear(finalized())
    await house.settle()
    return house, line


async def test_silence_is_asked_about_seven_times_and_then_said() -> None:
    """V71: 5 minutes, an hour, and five days; then a person must look."""
    house, _ = await silent()
    await house.wait(*POLICY.lookup_pauses, *[DAY] * 30)
    unknown = await house.said(PaymentUnknown)
    assert [event.check_at - event.noticed_at for event in unknown] == list(POLICY.lookup_pauses)
    [gave_up] = await house.said(CollectionGaveUp)
    assert (gave_up.reason, gave_up.amount) == ("payment_unknown", DUE)
    assert await house.charges() == [DUE.minor]


async def test_what_was_given_up_as_unknown_can_be_asked_about_by_hand() -> None:
    """The line is back: it had been paid all the time."""
    house, line = await silent()
    await house.wait(*POLICY.lookup_pauses)
    line.dead = False
    assert (await house.collect(INVOICE))["action"] == "lookup"
    await house.settle()
    assert len(await house.said(CollectionCompleted)) == 1
    assert await house.told_of_money() == await house.money_at_the_gateway() == DUE.minor


async def test_asking_by_hand_in_vain_uses_up_nothing_of_the_schedule() -> None:
    """Still seven checks, each at its own moment."""
    house, _ = await silent()
    for _ in range(3):
        house.clock.move(timedelta(seconds=1))
        await house.collect(INVOICE)
        await house.settle()
    await house.wait(*POLICY.lookup_pauses, *[DAY] * 3)
    assert len(await house.said(PaymentUnknown)) == len(POLICY.lookup_pauses)


async def test_a_decline_that_was_not_heard_is_chased_when_it_is() -> None:
    """The dunning begins when we know."""
    house, line = await silent("tok_soft-ok")
    line.dead = False
    await house.wait(*POLICY.lookup_pauses[:1])
    assert await house.charges() == []
    await house.wait(3 * DAY)
    assert await house.charges() == [DUE.minor]


@pytest.mark.parametrize("voided_after", [timedelta(0), 10 * DAY])
async def test_what_was_voided_in_doubt_is_asked_about_until_it_is_known(voided_after: timedelta) -> None:
    """Before we gave up asking or long after: money that was taken goes back when the line is there again."""
    house, line = await silent()
    await house.wait(*[DAY] * (voided_after // DAY))
    await house.hear(voided(), voided())
    await house.wait(*POLICY.lookup_pauses, *[DAY] * 20)
    assert len(await house.said(PaymentUnknown)) == len(POLICY.lookup_pauses)
    assert await house.money_at_the_gateway() == DUE.minor
    line.dead = False
    await house.wait(DAY)
    assert len(await house.said(RefundIssued)) == 1
    assert await house.money_at_the_gateway() == await house.told_of_money() == 0
    assert await house.store.due_timers(house.clock.now() + FOR_EVER, 10) == []


async def test_a_refund_is_asked_for_until_it_is_confirmed() -> None:
    """The line dies again after the charge: money owed back is never forgotten, and sent once."""
    house, line = await silent()
    line.dead = False
    await house.wait(*POLICY.lookup_pauses[:1])
    assert len(await house.said(PaymentSucceeded)) == 1
    line.dead = True
    await house.hear(voided())
    await house.wait(*[DAY] * 10)
    assert await house.said(RefundIssued) == []
    line.dead = False
    await house.wait(DAY)
    assert len(await house.said(RefundIssued)) == len(await house.books.refunds()) == 1
    assert await house.told_of_money() == await house.money_at_the_gateway() == 0


async def test_a_line_that_is_cut_is_tried_again_by_the_wall_clock_and_by_looking_first() -> None:
    """Nobody knows whether the request arrived; it had."""
    clock, books = FakeClock(NOON), MemorySandboxLedger()
    line = Line(SandboxGateway(books, clock, timedelta(0)), dead=False, cut=True)
    house = Running(books=books, gateway=line, clock=clock)
    await house.customer("tok_ok")
    await house.hear(finalized())
    await house.timers().fire_due()
    assert await house.said(PaymentSucceeded) == []
    line.cut = False
    clock.move(timedelta(seconds=1))
    while await house.timers().fire_due():
        pass
    assert len(await house.said(PaymentSucceeded)) == 1
    assert await house.said(PaymentUnknown) == []
    assert await house.charges() == [DUE.minor]
