"""The decider of a collection."""

from datetime import datetime, timedelta

import pytest

from services.payments.collections.commands import (
    CancelCollection,
    CollectNow,
    CompleteCollection,
    RecordAttemptDeclined,
    StartAttempt,
    StartCollection,
    StopLookups,
)
from services.payments.collections.decider import COLLECTION as DECIDER
from services.payments.collections.decider import CollectionEvent
from services.payments.collections.refusals import (
    AttemptIsOpen,
    CollectionIsOver,
    CollectionIsUnknown,
    PaymentMethodIsMissing,
)
from services.payments.tests.scenarios import COLLECTION, DAY, DUE, HOUR, INVOICE, NOON, POLICY, payment
from shared.billing.contracts.payments.collections import (
    CollectionAttemptDue,
    CollectionAttemptStarted,
    CollectionCancelled,
    CollectionCompleted,
    CollectionGaveUp,
    CollectionStarted,
)
from shared.framework.testing.spec import Given, Spec

saga = Spec(DECIDER)

START = StartCollection(invoice_id=INVOICE, customer_id="cus_1", amount=DUE, now=NOON)
CANCEL = CancelCollection(invoice_id=INVOICE, now=NOON)

started = CollectionStarted(
    collection_id=COLLECTION, invoice_id=INVOICE, customer_id="cus_1", amount=DUE, started_at=NOON
)
cancelled = CollectionCancelled(collection_id=COLLECTION, invoice_id=INVOICE, cancelled_at=NOON)


def begin(number: int, *, has_method: bool = True) -> StartAttempt:
    return StartAttempt(attempt=number, has_method=has_method, now=NOON)


def collect_now(*, has_method: bool = True, at: datetime = NOON) -> CollectNow:
    return CollectNow(invoice_id=INVOICE, has_method=has_method, now=at)


def declined(number: int, *, hard: bool = False, after: timedelta = timedelta(0)) -> RecordAttemptDeclined:
    return RecordAttemptDeclined(
        payment_id=payment(number), hard=hard, dunning=POLICY.dunning, now=NOON + after
    )


def stop_lookups(number: int) -> StopLookups:
    return StopLookups(payment_id=payment(number), now=NOON)


def paid(number: int) -> CompleteCollection:
    return CompleteCollection(payment_id=payment(number), now=NOON)


def due(number: int, after: timedelta, reason: str) -> CollectionAttemptDue:
    return CollectionAttemptDue(collection_id=COLLECTION, attempt=number, due_at=NOON + after, reason=reason)


def open_attempt(number: int, *, manual: bool = False) -> CollectionAttemptStarted:
    return CollectionAttemptStarted(
        collection_id=COLLECTION,
        invoice_id=INVOICE,
        attempt=number,
        payment_id=payment(number),
        manual=manual,
        started_at=NOON,
    )


def completed(number: int) -> CollectionCompleted:
    return CollectionCompleted(
        collection_id=COLLECTION, invoice_id=INVOICE, payment_id=payment(number), completed_at=NOON
    )


def gave_up(reason: str, after: timedelta = timedelta(0)) -> CollectionGaveUp:
    return CollectionGaveUp(
        collection_id=COLLECTION,
        invoice_id=INVOICE,
        customer_id="cus_1",
        amount=DUE,
        reason=reason,
        gave_up_at=NOON + after,
    )


first_due = due(1, timedelta(0), "first_attempt")
FIRST_OPEN: tuple[CollectionEvent, ...] = (started, first_due, open_attempt(1))
FIRST_DECLINED: tuple[CollectionEvent, ...] = (*FIRST_OPEN, due(2, 3 * DAY, "soft_decline"))


def test_an_invoice_is_collected_once_and_at_once() -> None:
    """A second start has no effect."""
    saga.when(START).then(started, first_due).when(START).then_nothing()


def test_an_attempt_that_succeeds_ends_it() -> None:
    """Later commands have no effect."""
    spec = saga.given(started, first_due).when(begin(1)).then(open_attempt(1))
    spec = spec.when(paid(1)).then(completed(1)).when(paid(1)).then_nothing()
    spec.when(declined(1)).then_nothing().when(begin(1)).then_nothing()


def test_there_is_never_a_second_attempt_beside_an_open_one() -> None:
    """Neither by a timer nor by hand."""
    saga.given(*FIRST_OPEN).when(begin(1)).then_nothing()
    saga.given(*FIRST_OPEN).when(collect_now()).refuses(AttemptIsOpen)


def test_soft_declines_are_chased_after_three_five_and_seven_days_then_no_more() -> None:
    """Billing rule 14, V72: days from the first failure, which came an hour after the attempt began."""
    spec: Given[object, object, CollectionEvent] = saga.given(*FIRST_OPEN)  # type: ignore[assignment]
    failed_after = HOUR
    for number, day in enumerate(POLICY.dunning, start=1):
        retry = due(number + 1, HOUR + day, "soft_decline")
        spec = spec.when(declined(number, after=failed_after)).then(retry)
        spec = spec.when(begin(number + 1)).then(open_attempt(number + 1))
        failed_after = HOUR + day + timedelta(seconds=3)
    spec.when(declined(4)).then(gave_up("retries_exhausted"))


def test_a_decline_that_is_heard_of_late_moves_the_rest_of_the_schedule() -> None:
    """Unknown from day 3 to day 9: the attempt of day 5 does not follow at once, but two days later."""
    spec = saga.given(*FIRST_DECLINED, open_attempt(2))
    spec = spec.when(declined(2, after=9 * DAY)).then(due(3, 11 * DAY, "soft_decline"))
    spec = spec.when(begin(3)).then(open_attempt(3))
    spec.when(declined(3, after=11 * DAY)).then(due(4, 13 * DAY, "soft_decline"))


def test_a_hard_decline_ends_it_at_once() -> None:
    """No retry is scheduled."""
    saga.given(*FIRST_OPEN).when(declined(1, hard=True)).then(gave_up("hard_declined"))


def test_a_missing_method_ends_it_at_once() -> None:
    """There is nothing to charge."""
    saga.given(started, first_due).when(begin(1, has_method=False)).then(gave_up("no_payment_method"))


def test_a_timer_of_another_attempt_comes_too_late() -> None:
    """A manual attempt was made before it."""
    saga.given(*FIRST_DECLINED).when(begin(1)).then_nothing()
    saga.given(*FIRST_DECLINED).when(begin(3)).then_nothing()


def test_a_manual_attempt_uses_up_nothing_of_the_schedule() -> None:
    """Declined, it returns to the attempt that was scheduled; the later ones are still made."""
    spec = saga.given(*FIRST_DECLINED).when(collect_now()).then(open_attempt(2, manual=True))
    spec = spec.when(declined(2, after=DAY)).then(due(3, 3 * DAY, "schedule_resumed"))
    spec = spec.when(begin(3)).then(open_attempt(3))
    spec.when(declined(3)).then(due(4, 5 * DAY, "soft_decline"))


def test_a_manual_attempt_that_outlasts_the_pause_is_followed_by_the_scheduled_one() -> None:
    """That one is overdue, so it is due now."""
    spec = saga.given(*FIRST_DECLINED, open_attempt(2, manual=True))
    spec.when(declined(2, after=4 * DAY)).then(due(3, 4 * DAY, "schedule_resumed"))


def test_a_manual_attempt_is_possible_after_giving_up() -> None:
    """Declined softly, it is given up again for the old reason; a success completes it."""
    given_up = saga.given(*FIRST_OPEN, gave_up("hard_declined"))
    spec = given_up.when(collect_now()).then(open_attempt(2, manual=True))
    spec.when(declined(2)).then(gave_up("hard_declined")).when(collect_now()).then(
        open_attempt(3, manual=True)
    )
    spec.when(paid(2)).then(completed(2))


def test_nothing_is_collected_by_hand_without_a_method() -> None:
    """And not without an open collection."""
    saga.given(*FIRST_DECLINED).when(collect_now(has_method=False)).refuses(PaymentMethodIsMissing)
    saga.when(collect_now()).refuses(CollectionIsUnknown)
    saga.given(*FIRST_OPEN, completed(1)).when(collect_now()).refuses(CollectionIsOver)
    saga.given(*FIRST_OPEN, cancelled).when(collect_now()).refuses(CollectionIsOver)


def test_a_gateway_that_never_answers_is_given_up_on_but_not_charged_again() -> None:
    """The attempt stays open: its payment may still succeed or be declined."""
    spec = saga.given(*FIRST_OPEN).when(stop_lookups(1)).then(gave_up("payment_unknown"))
    spec.when(stop_lookups(1)).then_nothing()
    spec.when(collect_now()).refuses(AttemptIsOpen)
    spec.when(paid(1)).then(completed(1))
    spec.when(declined(1)).then(due(2, 3 * DAY, "soft_decline"))


@pytest.mark.parametrize(
    "history",
    [
        (),
        (started, first_due),
        FIRST_OPEN,
        FIRST_DECLINED,
        (*FIRST_OPEN, completed(1)),
        (*FIRST_OPEN, gave_up("hard_declined")),
        (*FIRST_OPEN, gave_up("payment_unknown")),
    ],
)
def test_a_void_stops_it_at_any_point_for_ever(history: tuple[CollectionEvent, ...]) -> None:
    """Also before it started: then it never starts."""
    spec = saga.given(*history).when(CANCEL).then(cancelled).when(CANCEL).then_nothing()
    for command in (START, begin(1), begin(2), paid(1), declined(1), stop_lookups(1)):
        spec.when(command).then_nothing()
