"""Unknown outcomes: looked up by schedule, given up after the last lookup, never charged again."""

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
from services.payments.tests.harness import FAR_AHEAD, PaymentsHarness
from services.payments.tests.scenarios import DAY, DUE, INVOICE, NOON, POLICY, finalized, voided
from shared.billing.contracts.payments.collections import CollectionCompleted, CollectionGaveUp
from shared.billing.contracts.payments.payments import PaymentSucceeded, PaymentUnknown
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.billing.money import Money
from shared.framework.testing.fakes import FakeClock


@dataclass(slots=True)
class UnreliableGateway:
    """A sandbox that gets requests, and whose responses are lost while it is `unreachable`."""

    inner: SandboxGateway
    unreachable: bool = True
    breaks: bool = False
    """The response is lost with a ConnectionError."""
    name: str = "sandbox"

    def check_token(self, token: str) -> None:
        self.inner.check_token(token)

    async def capture(
        self, amount: Money, method: GatewayPaymentMethod, key: str
    ) -> Captured | Declined | UnknownOutcome:
        response = await self.inner.capture(amount, method, key)
        if self.breaks:
            raise ConnectionError("cut")
        return UnknownOutcome("line_dead") if self.unreachable else response

    async def lookup(self, key: str) -> CaptureOutcome:
        return UnknownOutcome("line_dead") if self.unreachable else await self.inner.lookup(key)

    async def refund(self, reference: str, amount: Money, key: str) -> RefundConfirmed | UnknownOutcome:
        response = await self.inner.refund(reference, amount, key)
        return UnknownOutcome("line_dead") if self.unreachable else response


async def with_unknown_outcome(token: str = "tok_ok") -> tuple[PaymentsHarness, UnreliableGateway]:
    """An invoice whose charge was made without a response."""
    clock, ledger = FakeClock(NOON), MemorySandboxLedger()
    gateway = UnreliableGateway(SandboxGateway(ledger, clock, timedelta(0)))
    payments = PaymentsHarness(ledger=ledger, gateway=gateway, clock=clock)
    await payments.register(token)
    await payments.deliver(finalized())
    await payments.fire_due_timers()
    return payments, gateway


async def test_silence_is_asked_about_seven_times_and_then_said() -> None:
    """V71: after 5 minutes, an hour, and five days; then a person is needed."""
    payments, _ = await with_unknown_outcome()
    await payments.advance(*POLICY.lookup_pauses, *[DAY] * 30)
    unknown = await payments.events(PaymentUnknown)
    assert [event.check_at - event.noticed_at for event in unknown] == list(POLICY.lookup_pauses)
    [gave_up] = await payments.events(CollectionGaveUp)
    assert (gave_up.reason, gave_up.amount) == ("payment_unknown", DUE)
    assert await payments.charges() == [DUE.minor]


async def test_what_was_given_up_as_unknown_can_be_asked_about_by_hand() -> None:
    """The gateway can be reached again: the invoice had been paid."""
    payments, gateway = await with_unknown_outcome()
    await payments.advance(*POLICY.lookup_pauses)
    gateway.unreachable = False
    assert (await payments.collect(INVOICE))["action"] == "lookup"
    await payments.fire_due_timers()
    assert len(await payments.events(CollectionCompleted)) == 1
    assert await payments.received_by_events() == await payments.received_by_gateway() == DUE.minor


async def test_asking_by_hand_in_vain_uses_up_nothing_of_the_schedule() -> None:
    """There are still seven lookups, each at its own instant."""
    payments, _ = await with_unknown_outcome()
    for _ in range(3):
        payments.clock.move(timedelta(seconds=1))
        await payments.collect(INVOICE)
        await payments.fire_due_timers()
    await payments.advance(*POLICY.lookup_pauses, *[DAY] * 3)
    assert len(await payments.events(PaymentUnknown)) == len(POLICY.lookup_pauses)


async def test_a_decline_that_was_not_heard_is_chased_when_it_is() -> None:
    """The dunning schedule starts when the decline is known."""
    payments, gateway = await with_unknown_outcome("tok_soft-ok")
    gateway.unreachable = False
    await payments.advance(*POLICY.lookup_pauses[:1])
    assert await payments.charges() == []
    await payments.advance(3 * DAY)
    assert await payments.charges() == [DUE.minor]


@pytest.mark.parametrize("voided_after", [timedelta(0), 10 * DAY])
async def test_what_was_voided_in_doubt_is_asked_about_until_it_is_known(voided_after: timedelta) -> None:
    """Before the last lookup or long after: the money goes back when the gateway can be reached again."""
    payments, gateway = await with_unknown_outcome()
    await payments.advance(*[DAY] * (voided_after // DAY))
    await payments.deliver(voided(), voided())
    await payments.advance(*POLICY.lookup_pauses, *[DAY] * 20)
    assert len(await payments.events(PaymentUnknown)) == len(POLICY.lookup_pauses)
    assert await payments.received_by_gateway() == DUE.minor
    gateway.unreachable = False
    await payments.advance(DAY)
    assert len(await payments.events(RefundIssued)) == 1
    assert await payments.received_by_gateway() == await payments.received_by_events() == 0
    assert await payments.store.due_timers(payments.clock.now() + FAR_AHEAD, 10) == []


async def test_a_refund_is_asked_for_until_it_is_confirmed() -> None:
    """The gateway is unreachable after the charge: the refund is requested without a limit, and made once."""
    payments, gateway = await with_unknown_outcome()
    gateway.unreachable = False
    await payments.advance(*POLICY.lookup_pauses[:1])
    assert len(await payments.events(PaymentSucceeded)) == 1
    gateway.unreachable = True
    await payments.deliver(voided())
    await payments.advance(*[DAY] * 10)
    assert await payments.events(RefundIssued) == []
    gateway.unreachable = False
    await payments.advance(DAY)
    assert len(await payments.events(RefundIssued)) == len(await payments.ledger.refunds()) == 1
    assert await payments.received_by_events() == await payments.received_by_gateway() == 0


async def test_a_line_that_is_cut_is_tried_again_by_the_wall_clock_and_by_looking_first() -> None:
    """It is not known whether the request was received; it was."""
    clock, ledger = FakeClock(NOON), MemorySandboxLedger()
    gateway = UnreliableGateway(SandboxGateway(ledger, clock, timedelta(0)), unreachable=False, breaks=True)
    payments = PaymentsHarness(ledger=ledger, gateway=gateway, clock=clock)
    await payments.register("tok_ok")
    await payments.deliver(finalized())
    await payments.timers().fire_due()
    assert await payments.events(PaymentSucceeded) == []
    gateway.breaks = False
    clock.move(timedelta(seconds=1))
    while await payments.timers().fire_due():
        pass
    assert len(await payments.events(PaymentSucceeded)) == 1
    assert await payments.events(PaymentUnknown) == []
    assert await payments.charges() == [DUE.minor]
