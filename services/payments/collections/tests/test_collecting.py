"""Collections from the first event to the last: events are delivered, timers fire, the gateway is called."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.payments.tests.harness import PaymentsHarness, collecting
from services.payments.tests.scenarios import (
    DAY,
    DUE,
    FIVE_MINUTES,
    HOUR,
    INVOICE,
    NOON,
    POLICY,
    REGISTERED,
    finalized,
    payment,
    voided,
)
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.billing.contracts.payments.payments import (
    PaymentFailed,
    PaymentRequested,
    PaymentSubmitted,
    PaymentSucceeded,
    PaymentUnknown,
)
from shared.billing.contracts.payments.refunds import RefundIssued
from shared.billing.contracts.subscriptions.test_clocks import TestClockAdvanced, TestClockStarted

LOOKUP_PAUSES = (FIVE_MINUTES, HOUR, *[DAY] * 5)


async def test_a_finalized_invoice_is_paid() -> None:
    """Requested, submitted, succeeded; one charge of the amount due, under the payment's own key."""
    payments = await collecting("tok_ok")
    [succeeded] = await payments.events(PaymentSucceeded)
    assert (succeeded.payment_id, succeeded.amount, succeeded.invoice_id) == (payment(1), DUE, INVOICE)
    [completed] = await payments.events(CollectionCompleted)
    assert completed.payment_id == payment(1)
    [charge] = await payments.ledger.charges()
    assert (charge.key, charge.reference) == (payment(1), succeeded.gateway_reference)


async def test_nothing_is_collected_when_nothing_is_due() -> None:
    """Invoicing has marked it paid."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    await payments.deliver(finalized(0))
    await payments.fire_due_timers()
    assert await payments.events(CollectionStarted) == []


async def test_facts_told_again_collect_nothing_again() -> None:
    """Before the charge, after it, and a month later."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    await payments.deliver(finalized(), finalized(), REGISTERED)
    await payments.fire_due_timers()
    await payments.deliver(finalized())
    await payments.advance(30 * DAY)
    await payments.deliver(finalized(), REGISTERED)
    await payments.fire_due_timers()
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(CollectionStarted)) == 1


async def test_a_declined_card_is_chased_until_it_pays() -> None:
    """Three days later it is charged."""
    payments = await collecting("tok_soft-ok")
    [failed] = await payments.events(PaymentFailed)
    assert (failed.decline_code, failed.hard) == ("insufficient_funds", False)
    await payments.advance(3 * DAY - HOUR)
    assert await payments.charges() == []
    await payments.advance(HOUR)
    assert await payments.charges() == [DUE.minor]
    assert (await payments.events(PaymentSucceeded))[0].payment_id == payment(2)


async def test_a_card_that_stays_empty_is_given_up_after_the_last_retry() -> None:
    """V72: attempts on day 0, 3, 5 and 7; none on any other day."""
    payments = await collecting("tok_soft")
    await payments.advance(*[DAY] * 60)
    requested = await payments.events(PaymentRequested)
    assert [(event.requested_at - NOON).days for event in requested] == [0, 3, 5, 7]
    [gave_up] = await payments.events(CollectionGaveUp)
    assert (gave_up.reason, gave_up.amount) == ("retries_exhausted", DUE)


async def test_a_stolen_card_is_not_tried_again() -> None:
    """A hard decline is final."""
    payments = await collecting("tok_hard")
    await payments.advance(*[DAY] * 30)
    assert len(await payments.events(PaymentRequested)) == 1
    assert [event.reason for event in await payments.events(CollectionGaveUp)] == ["hard_declined"]


async def test_without_a_card_there_is_nothing_to_try() -> None:
    """The customer has no account either."""
    payments = PaymentsHarness()
    await payments.deliver(finalized())
    await payments.fire_due_timers()
    assert [event.reason for event in await payments.events(CollectionGaveUp)] == ["no_payment_method"]
    assert await payments.events(PaymentRequested) == []


async def test_the_newest_card_is_tried_next() -> None:
    """Attached during a pause; if new cards are not tried at once, it is charged after the pause."""
    payments = await collecting("tok_soft", replace(POLICY, tries_new_methods=False))
    newer = await payments.attach("tok_ok")
    await payments.advance(DAY)
    assert await payments.charges() == []
    await payments.advance(2 * DAY)
    assert (await payments.events(PaymentRequested))[-1].method_id == newer
    assert await payments.charges() == [DUE.minor]


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_error_after"])
async def test_a_charge_whose_answer_was_lost_is_found_and_not_made_again(token: str) -> None:
    """V71: exactly one payment, no retry."""
    payments = await collecting(token)
    [unknown] = await payments.events(PaymentUnknown)
    assert unknown.check_at == NOON + FIVE_MINUTES
    assert await payments.events(PaymentSucceeded) == []
    await payments.advance(FIVE_MINUTES)
    assert len(await payments.events(PaymentSucceeded)) == 1
    assert len(await payments.events(PaymentSubmitted)) == 1
    assert await payments.charges() == [DUE.minor]


async def test_a_request_that_was_lost_is_sent_again_under_the_same_key() -> None:
    """Only after a lookup found no charge."""
    payments = await collecting("tok_timeout_before")
    assert await payments.charges() == []
    await payments.advance(FIVE_MINUTES)
    assert [event.payment_id for event in await payments.events(PaymentSubmitted)] == [payment(1)] * 2
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(CollectionCompleted)) == 1


async def test_a_slow_charge_is_waited_for() -> None:
    """After five minutes it is in progress; after an hour it is found."""
    payments = await collecting("tok_slow")
    await payments.advance(FIVE_MINUTES)
    assert [event.cause for event in await payments.events(PaymentUnknown)] == ["no_answer", "in_progress"]
    await payments.advance(HOUR)
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(PaymentSucceeded)) == 1


async def test_a_manual_attempt_is_made_at_once_and_leaves_the_schedule_alone() -> None:
    """V72: a manual attempt is declined on day 1; those of day 3, 5 and 7 are still made."""
    payments = await collecting("tok_soft")
    await payments.advance(DAY)
    triggered = await payments.collect(INVOICE)
    assert (triggered["attempt"], triggered["payment_id"], triggered["action"]) == (2, payment(2), "capture")
    await payments.fire_due_timers()
    await payments.advance(*[DAY] * 60)
    requested = await payments.events(PaymentRequested)
    assert [(event.requested_at - NOON).days for event in requested] == [0, 1, 3, 5, 7]


async def test_a_manual_attempt_after_giving_up_can_still_pay() -> None:
    """With a new card and a manual attempt."""
    payments = await collecting("tok_hard", replace(POLICY, tries_new_methods=False))
    await payments.attach("tok_ok")
    await payments.collect(INVOICE)
    await payments.fire_due_timers()
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(CollectionCompleted)) == 1


async def test_asking_by_hand_about_a_doubt_looks_and_does_not_charge() -> None:
    """The outcome is known before the scheduled lookup, which then does nothing."""
    payments = await collecting("tok_timeout_after")
    assert (await payments.collect(INVOICE))["action"] == "lookup"
    await payments.fire_due_timers()
    assert len(await payments.events(PaymentSucceeded)) == 1
    await payments.advance(*LOOKUP_PAUSES)
    assert await payments.charges() == [DUE.minor]


@pytest.mark.parametrize("token", ["tok_ok", "tok_soft-ok", "tok_soft", "tok_hard", "tok_refund_timeout"])
@pytest.mark.parametrize("days", [0, 1, 3, 20])
async def test_a_void_leaves_no_money_behind(token: str, days: int) -> None:
    """On any day: no attempt follows, and what was captured is refunded."""
    payments = await collecting(token)
    await payments.advance(*[DAY] * days)
    attempts = len(await payments.events(PaymentRequested))
    await payments.deliver(voided(), voided())
    await payments.fire_due_timers()
    await payments.advance(*LOOKUP_PAUSES, *[DAY] * 20)
    assert len(await payments.events(PaymentRequested)) == attempts
    assert await payments.received_by_gateway() == await payments.received_by_events() == 0
    assert len(await payments.events(CollectionCancelled)) == 1


async def test_a_void_before_the_gateway_was_asked_asks_nobody() -> None:
    """The payment is abandoned; its timer does nothing."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    await payments.deliver(finalized(), voided())
    await payments.fire_due_timers()
    assert [event.decline_code for event in await payments.events(PaymentFailed)] == ["abandoned"]
    assert await payments.ledger.charges() == []


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_error_after", "tok_slow"])
async def test_a_void_during_a_doubt_refunds_what_turns_out_charged(token: str) -> None:
    """The lookups go on after the void, and a charge that they find is refunded."""
    payments = await collecting(token)
    await payments.deliver(voided())
    await payments.advance(*LOOKUP_PAUSES)
    assert len(await payments.events(RefundIssued)) == 1
    assert await payments.charges() == [DUE.minor]
    assert await payments.received_by_gateway() == await payments.received_by_events() == 0


async def test_a_void_during_a_doubt_does_not_send_a_lost_request_again() -> None:
    """After the last lookup the payment has failed as never charged."""
    payments = await collecting("tok_timeout_before")
    await payments.deliver(voided())
    await payments.advance(*LOOKUP_PAUSES)
    assert [event.decline_code for event in await payments.events(PaymentFailed)] == ["never_charged"]
    assert await payments.charges() == []
    assert len(await payments.events(PaymentSubmitted)) == 1


async def test_a_void_that_overtakes_its_document_has_the_last_word() -> None:
    """The gateway is not called."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    await payments.deliver(voided(), finalized())
    await payments.fire_due_timers()
    assert await payments.ledger.charges() == []
    assert await payments.events(CollectionStarted) == []


async def test_two_processes_that_fire_the_same_timers_charge_once() -> None:
    """Leadership only saves work; the gateway key and the stream versions prevent a second charge."""
    payments = PaymentsHarness()
    await payments.register("tok_ok")
    await payments.deliver(finalized())
    one, other = payments.timers(), payments.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(PaymentSucceeded)) == 1


async def test_a_tenant_on_a_test_clock_is_chased_on_its_own_time() -> None:
    """The system clock has no effect; after a jump of a month every attempt has its own instant."""
    payments = PaymentsHarness()
    await payments.register("tok_soft-soft-ok")
    await payments.deliver(TestClockStarted(now=NOON - 1000 * DAY))
    await payments.deliver(finalized(), at=NOON - 1000 * DAY, test_clock=True)
    await payments.advance(30 * DAY)
    assert len(await payments.events(PaymentRequested)) == 1
    await payments.deliver(TestClockAdvanced(now=NOON - 970 * DAY))
    await payments.fire_due_timers()
    requested = [
        event.requested_at - (NOON - 1000 * DAY) for event in await payments.events(PaymentRequested)
    ]
    assert requested == [timedelta(0), 3 * DAY, 5 * DAY]
    [succeeded] = await payments.events(PaymentSucceeded)
    assert succeeded.succeeded_at == NOON - 995 * DAY


async def test_what_waits_says_when_it_will_be_tried() -> None:
    """The due instants and reasons are in the events."""
    payments = await collecting("tok_soft")
    due = await payments.events(CollectionAttemptDue)
    assert [(event.attempt, event.due_at - NOON, event.reason) for event in due] == [
        (1, timedelta(0), "first_attempt"),
        (2, 3 * DAY, "soft_decline"),
    ]
