"""A payment method that is attached is tried at once on what the one before it did not pay."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.payments.tests.harness import PaymentsHarness, collecting
from services.payments.tests.scenarios import DAY, DUE, POLICY, finalized, payment, voided
from shared.billing.contracts.payments.collections import (
    CollectionAttemptStarted,
    CollectionCompleted,
    CollectionGaveUp,
)
from shared.billing.contracts.payments.payments import PaymentRequested


@pytest.mark.parametrize("token", ["tok_hard", "tok_soft"])
@pytest.mark.parametrize("days", [0, 1, 20])
async def test_a_new_card_pays_what_the_old_one_did_not(token: str, days: int) -> None:
    """After a hard decline, during the schedule, and after its end; without a request to collect."""
    payments = await collecting(token)
    await payments.advance(*[DAY] * days)
    newer = await payments.attach("tok_ok")
    await payments.fire_due_timers()
    last = (await payments.events(PaymentRequested))[-1]
    assert (last.method_id, last.requested_at) == (newer, payments.clock.now())
    assert await payments.charges() == [DUE.minor]
    [completed] = await payments.events(CollectionCompleted)
    assert completed.payment_id == last.payment_id
    await payments.advance(*[DAY] * 10)
    assert await payments.charges() == [DUE.minor]


async def test_the_first_card_pays_an_invoice_that_had_none() -> None:
    """The collection had given up: no_payment_method."""
    payments = PaymentsHarness()
    await payments.deliver(finalized())
    await payments.register("tok_ok")
    await payments.fire_due_timers()
    assert await payments.charges() == [DUE.minor]


async def test_a_new_card_that_is_declined_leaves_the_schedule_alone() -> None:
    """It is an attempt outside the schedule (billing rule 14)."""
    payments = await collecting("tok_soft")
    await payments.advance(DAY)
    await payments.attach("tok_soft.second")
    await payments.fire_due_timers()
    [_, second] = await payments.events(CollectionAttemptStarted)
    assert second.manual
    await payments.advance(*[DAY] * 30)
    assert len(await payments.events(PaymentRequested)) == 1 + 1 + 3
    await payments.attach("tok_ok")
    await payments.fire_due_timers()
    assert await payments.charges() == [DUE.minor]


@pytest.mark.parametrize("token", ["tok_hard", "tok_soft"])
async def test_a_card_attached_during_an_attempt_is_tried_after_its_decline(token: str) -> None:
    """Not before: one attempt is open at a time, and it has the old card."""
    payments = PaymentsHarness()
    await payments.register(token)
    await payments.deliver(finalized())
    newer = await payments.attach("tok_ok")
    await payments.fire_due_timers()
    older, last = await payments.events(PaymentRequested)
    assert (older.method_id != newer, last.method_id) == (True, newer)
    assert await payments.charges() == [DUE.minor]


async def test_a_card_attached_while_the_outcome_of_the_old_one_is_unknown_is_not_charged_too() -> None:
    """The first attempt has moved money, as a look-up finds."""
    payments = await collecting("tok_timeout_after")
    await payments.attach("tok_ok")
    await payments.fire_due_timers()
    assert await payments.charges() == [DUE.minor]
    await payments.advance(timedelta(minutes=5), timedelta(hours=1), DAY)
    assert await payments.charges() == [DUE.minor]
    assert len(await payments.events(PaymentRequested)) == 1


async def test_the_same_card_attached_again_is_no_new_one() -> None:
    """Nothing changes, so nothing is tried."""
    payments = await collecting("tok_hard")
    await payments.attach("tok_hard")
    await payments.fire_due_timers()
    assert [event.payment_id for event in await payments.events(PaymentRequested)] == [payment(1)]


async def test_a_voided_or_paid_invoice_is_not_tried() -> None:
    """It was left unpaid, and then declared not owed."""
    payments = await collecting("tok_hard")
    await payments.deliver(voided())
    await payments.attach("tok_ok")
    await payments.fire_due_timers()
    assert await payments.charges() == []


async def test_by_policy_a_new_card_waits_for_the_schedule() -> None:
    """Then nothing happens after a hard decline."""
    payments = await collecting("tok_hard", replace(POLICY, tries_new_methods=False))
    await payments.attach("tok_ok")
    await payments.advance(*[DAY] * 10)
    assert await payments.charges() == []
    assert [event.reason for event in await payments.events(CollectionGaveUp)] == ["hard_declined"]
