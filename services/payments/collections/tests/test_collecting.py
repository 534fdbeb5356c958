"""Whole stories: facts are heard, timers fire, a gateway answers or does not, and money is in its place."""

import asyncio
from datetime import timedelta

import pytest

from services.payments.tests.running import Running
from services.payments.tests.stories import (
    DAY,
    DUE,
    FIVE_MINUTES,
    HOUR,
    INVOICE,
    NOON,
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

CHECKS = (FIVE_MINUTES, HOUR, *[DAY] * 5)


async def collecting(token: str) -> Running:
    """A customer with this card, an invoice, and whatever follows at once."""
    house = Running()
    await house.customer(token)
    await house.hear(finalized())
    await house.settle()
    return house


async def test_a_finalized_invoice_is_paid() -> None:
    """Requested, submitted, succeeded; one charge of the amount due, under the payment's own key."""
    house = await collecting("tok_ok")
    [succeeded] = await house.said(PaymentSucceeded)
    assert (succeeded.payment_id, succeeded.amount, succeeded.invoice_id) == (payment(1), DUE, INVOICE)
    [completed] = await house.said(CollectionCompleted)
    assert completed.payment_id == payment(1)
    [entry] = await house.books.entries()
    assert (entry.key, entry.reference) == (payment(1), succeeded.gateway_reference)


async def test_nothing_is_collected_when_nothing_is_due() -> None:
    """Invoicing has said already that it is paid."""
    house = Running()
    await house.customer("tok_ok")
    await house.hear(finalized(0))
    await house.settle()
    assert await house.said(CollectionStarted) == []


async def test_facts_told_again_collect_nothing_again() -> None:
    """Before the charge, after it, and a month later."""
    house = Running()
    await house.customer("tok_ok")
    await house.hear(finalized(), finalized(), REGISTERED)
    await house.settle()
    await house.hear(finalized())
    await house.wait(30 * DAY)
    await house.hear(finalized(), REGISTERED)
    await house.settle()
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(CollectionStarted)) == 1


async def test_a_declined_card_is_chased_until_it_pays() -> None:
    """Three days later it has money again."""
    house = await collecting("tok_soft-ok")
    [failed] = await house.said(PaymentFailed)
    assert (failed.decline_code, failed.hard) == ("insufficient_funds", False)
    await house.wait(3 * DAY - HOUR)
    assert await house.charges() == []
    await house.wait(HOUR)
    assert await house.charges() == [DUE.minor]
    assert (await house.said(PaymentSucceeded))[0].payment_id == payment(2)


async def test_a_card_that_stays_empty_is_given_up_after_the_last_retry() -> None:
    """V72: attempts on day 0, 3, 5 and 7; none on any other day."""
    house = await collecting("tok_soft")
    await house.wait(*[DAY] * 60)
    requested = await house.said(PaymentRequested)
    assert [(event.requested_at - NOON).days for event in requested] == [0, 3, 5, 7]
    [gave_up] = await house.said(CollectionGaveUp)
    assert (gave_up.reason, gave_up.amount) == ("retries_exhausted", DUE)


async def test_a_stolen_card_is_not_tried_again() -> None:
    """A hard decline is final."""
    house = await collecting("tok_hard")
    await house.wait(*[DAY] * 30)
    assert len(await house.said(PaymentRequested)) == 1
    assert [event.reason for event in await house.said(CollectionGaveUp)] == ["hard_declined"]


async def test_without_a_card_there_is_nothing_to_try() -> None:
    """Whether or not the customer has been heard of."""
    house = Running()
    await house.hear(finalized())
    await house.settle()
    assert [event.reason for event in await house.said(CollectionGaveUp)] == ["no_payment_method"]
    assert await house.said(PaymentRequested) == []


async def test_the_newest_card_is_tried_next() -> None:
    """Attached during a pause, it is charged when the pause is over."""
    house = await collecting("tok_soft")
    newer = await house.attach("tok_ok")
    await house.wait(3 * DAY)
    assert (await house.said(PaymentRequested))[-1].method_id == newer
    assert await house.charges() == [DUE.minor]


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_error_after"])
async def test_a_charge_whose_answer_was_lost_is_found_and_not_made_again(token: str) -> None:
    """V71: exactly one payment, no retry."""
    house = await collecting(token)
    [unknown] = await house.said(PaymentUnknown)
    assert unknown.check_at == NOON + FIVE_MINUTES
    assert await house.said(PaymentSucceeded) == []
    await house.wait(FIVE_MINUTES)
    assert len(await house.said(PaymentSucceeded)) == 1
    assert len(await house.said(PaymentSubmitted)) == 1
    assert await house.charges() == [DUE.minor]


async def test_a_request_that_was_lost_is_sent_again_under_the_same_key() -> None:
    """Only after the gateway has said that it knows nothing of it."""
    house = await collecting("tok_timeout_before")
    assert await house.charges() == []
    await house.wait(FIVE_MINUTES)
    assert [event.payment_id for event in await house.said(PaymentSubmitted)] == [payment(1)] * 2
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(CollectionCompleted)) == 1


async def test_a_slow_charge_is_waited_for() -> None:
    """At five minutes it is in progress; at an hour it is there."""
    house = await collecting("tok_slow")
    await house.wait(FIVE_MINUTES)
    assert [event.cause for event in await house.said(PaymentUnknown)] == ["no_answer", "in_progress"]
    await house.wait(HOUR)
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(PaymentSucceeded)) == 1


async def test_a_manual_attempt_is_made_at_once_and_leaves_the_schedule_alone() -> None:
    """V72: declined by hand on day 1, the attempts of day 3, 5 and 7 still come."""
    house = await collecting("tok_soft")
    await house.wait(DAY)
    asked = await house.collect(INVOICE)
    assert (asked["attempt"], asked["payment_id"], asked["action"]) == (2, payment(2), "capture")
    await house.settle()
    await house.wait(*[DAY] * 60)
    requested = await house.said(PaymentRequested)
    assert [(event.requested_at - NOON).days for event in requested] == [0, 1, 3, 5, 7]


async def test_a_manual_attempt_after_giving_up_can_still_pay() -> None:
    """A new card, and somebody who asks."""
    house = await collecting("tok_hard")
    await house.attach("tok_ok")
    await house.collect(INVOICE)
    await house.settle()
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(CollectionCompleted)) == 1


async def test_asking_by_hand_about_a_doubt_looks_and_does_not_charge() -> None:
    """The answer is there before the next check; the check that was scheduled finds nothing to do."""
    house = await collecting("tok_timeout_after")
    assert (await house.collect(INVOICE))["action"] == "lookup"
    await house.settle()
    assert len(await house.said(PaymentSucceeded)) == 1
    await house.wait(*CHECKS)
    assert await house.charges() == [DUE.minor]


@pytest.mark.parametrize("token", ["tok_ok", "tok_soft-ok", "tok_soft", "tok_hard", "tok_refund_timeout"])
@pytest.mark.parametrize("days", [0, 1, 3, 20])
async def test_a_void_leaves_no_money_behind(token: str, days: int) -> None:
    """On any day: no attempt follows, and what had come goes back."""
    house = await collecting(token)
    await house.wait(*[DAY] * days)
    attempts = len(await house.said(PaymentRequested))
    await house.hear(voided(), voided())
    await house.settle()
    await house.wait(*CHECKS, *[DAY] * 20)
    assert len(await house.said(PaymentRequested)) == attempts
    assert await house.money_at_the_gateway() == await house.told_of_money() == 0
    assert len(await house.said(CollectionCancelled)) == 1


async def test_a_void_before_the_gateway_was_asked_asks_nobody() -> None:
    """The attempt is dropped; its timer finds nothing to do."""
    house = Running()
    await house.customer("tok_ok")
    await house.hear(finalized(), voided())
    await house.settle()
    assert [event.decline_code for event in await house.said(PaymentFailed)] == ["abandoned"]
    assert await house.books.entries() == []


@pytest.mark.parametrize("token", ["tok_timeout_after", "tok_error_after", "tok_slow"])
async def test_a_void_during_a_doubt_refunds_what_turns_out_charged(token: str) -> None:
    """The question goes on after the void, and its answer is a refund."""
    house = await collecting(token)
    await house.hear(voided())
    await house.wait(*CHECKS)
    assert len(await house.said(RefundIssued)) == 1
    assert await house.charges() == [DUE.minor]
    assert await house.money_at_the_gateway() == await house.told_of_money() == 0


async def test_a_void_during_a_doubt_does_not_send_a_lost_request_again() -> None:
    """It is looked for as long as we look, then it was never charged."""
    house = await collecting("tok_timeout_before")
    await house.hear(voided())
    await house.wait(*CHECKS)
    assert [event.decline_code for event in await house.said(PaymentFailed)] == ["never_charged"]
    assert await house.charges() == []
    assert len(await house.said(PaymentSubmitted)) == 1


async def test_a_void_that_overtakes_its_document_has_the_last_word() -> None:
    """Nothing is ever asked of the gateway."""
    house = Running()
    await house.customer("tok_ok")
    await house.hear(voided(), finalized())
    await house.settle()
    assert await house.books.entries() == []
    assert await house.said(CollectionStarted) == []


async def test_two_processes_that_fire_the_same_timers_charge_once() -> None:
    """Leadership saves double work; it is the key and the versions that prevent double money."""
    house = Running()
    await house.customer("tok_ok")
    await house.hear(finalized())
    one, other = house.timers(), house.timers()
    while sum(await asyncio.gather(one.fire_due(), other.fire_due())):
        pass
    assert await house.charges() == [DUE.minor]
    assert len(await house.said(PaymentSucceeded)) == 1


async def test_a_tenant_on_a_test_clock_is_chased_on_its_own_time() -> None:
    """Nothing happens by the wall's clock; a jump of a month plays every attempt at its own moment."""
    house = Running()
    await house.customer("tok_soft-soft-ok")
    await house.hear(TestClockStarted(now=NOON - 1000 * DAY))
    await house.hear(finalized(), at=NOON - 1000 * DAY, test_clock=True)
    await house.wait(30 * DAY)
    assert len(await house.said(PaymentRequested)) == 1
    await house.hear(TestClockAdvanced(now=NOON - 970 * DAY))
    await house.settle()
    requested = [event.requested_at - (NOON - 1000 * DAY) for event in await house.said(PaymentRequested)]
    assert requested == [timedelta(0), 3 * DAY, 5 * DAY]
    [succeeded] = await house.said(PaymentSucceeded)
    assert succeeded.succeeded_at == NOON - 995 * DAY


async def test_what_waits_says_when_it_will_be_tried() -> None:
    """A reader can see the schedule."""
    house = await collecting("tok_soft")
    due = await house.said(CollectionAttemptDue)
    assert [(event.attempt, event.due_at - NOON, event.reason) for event in due] == [
        (1, timedelta(0), "first_attempt"),
        (2, 3 * DAY, "soft_decline"),
    ]
