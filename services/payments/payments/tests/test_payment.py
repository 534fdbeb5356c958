"""The decider of a payment."""

from datetime import timedelta

import pytest

from services.payments.payments.commands import (
    AbandonPayment,
    ConfirmRefund,
    RecordCapture,
    RecordDecline,
    RecordUnknownOutcome,
    RequestPayment,
    RequestRefund,
    SubmitPayment,
)
from services.payments.payments.decider import PAYMENT, PaymentCommand, PaymentEvent
from services.payments.tests.scenarios import COLLECTION, DUE, INVOICE, NOON, POLICY, payment
from shared.billing.contracts.payments.payments import (
    PaymentFailed,
    PaymentRequested,
    PaymentSubmitted,
    PaymentSucceeded,
    PaymentUnknown,
)
from shared.billing.contracts.payments.refunds import RefundIssued, RefundRequested
from shared.framework.core.refusals import ImpossibleHistory
from shared.framework.testing.spec import Spec

attempt = Spec(PAYMENT)
PAY = payment(1)

REQUEST = RequestPayment(
    payment_id=PAY,
    collection_id=COLLECTION,
    invoice_id=INVOICE,
    customer_id="cus_1",
    attempt=1,
    amount=DUE,
    method_id="pm_1",
    gateway="sandbox",
    now=NOON,
)
SUBMIT = SubmitPayment(now=NOON)
CAPTURED = RecordCapture(reference="sbx_1", now=NOON)
DECLINED = RecordDecline(code="insufficient_funds", hard=False, now=NOON)
UNKNOWN = RecordUnknownOutcome(cause="no_answer", lookup_pauses=POLICY.lookup_pauses, now=NOON)
ABANDON = AbandonPayment(now=NOON)
REFUND = RequestRefund(refund_id="ref_1", reason="invoice_voided", now=NOON)
REFUND_DONE = ConfirmRefund(reference="sbr_1", now=NOON)

requested = PaymentRequested(
    payment_id=PAY,
    collection_id=COLLECTION,
    invoice_id=INVOICE,
    customer_id="cus_1",
    attempt=1,
    amount=DUE,
    method_id="pm_1",
    gateway="sandbox",
    gateway_key=PAY,
    requested_at=NOON,
)
submitted = PaymentSubmitted(payment_id=PAY, submitted_at=NOON)
succeeded = PaymentSucceeded(
    payment_id=PAY,
    invoice_id=INVOICE,
    customer_id="cus_1",
    amount=DUE,
    gateway_reference="sbx_1",
    succeeded_at=NOON,
)
refund_requested = RefundRequested(
    refund_id="ref_1",
    payment_id=PAY,
    invoice_id=INVOICE,
    customer_id="cus_1",
    amount=DUE,
    gateway_key="ref_1",
    reason="invoice_voided",
    requested_at=NOON,
)
refund_issued = RefundIssued(
    refund_id="ref_1",
    payment_id=PAY,
    invoice_id=INVOICE,
    customer_id="cus_1",
    amount=DUE,
    gateway_reference="sbr_1",
    issued_at=NOON,
)


def failed(code: str = "insufficient_funds") -> PaymentFailed:
    return PaymentFailed(
        payment_id=PAY,
        invoice_id=INVOICE,
        customer_id="cus_1",
        decline_code=code,
        hard=False,
        failed_at=NOON,
    )


def unknown(check_after: timedelta) -> PaymentUnknown:
    return PaymentUnknown(
        payment_id=PAY,
        invoice_id=INVOICE,
        cause="no_answer",
        check_at=NOON + check_after,
        noticed_at=NOON,
    )


SUBMITTED: tuple[PaymentEvent, ...] = (requested, submitted)


def test_a_payment_is_requested_once_under_its_own_key() -> None:
    """The gateway's key is the payment's id: invoice and attempt."""
    attempt.when(REQUEST).then(requested).when(REQUEST).then_nothing()


def test_it_is_said_that_the_gateway_is_asked_before_it_is() -> None:
    """After a crash in between the outcome is unknown, not failed."""
    attempt.given(requested).when(SUBMIT).then(submitted).when(SUBMIT).then_nothing()


def test_the_gateway_takes_it_or_refuses_it_once() -> None:
    """Either outcome may be recorded again."""
    attempt.given(*SUBMITTED).when(CAPTURED).then(succeeded).when(CAPTURED).then_nothing()
    attempt.given(*SUBMITTED).when(DECLINED).then(failed()).when(DECLINED).then_nothing()


def test_silence_is_asked_about_again_until_the_schedule_ends() -> None:
    """Billing rule 14, V71: after 5 minutes, an hour, and five days."""
    spec = attempt.given(*SUBMITTED)
    for pause in POLICY.lookup_pauses:
        spec = spec.when(UNKNOWN).then(unknown(pause))
    spec.when(UNKNOWN).then_nothing()


def test_asking_for_the_money_again_forgets_no_silence() -> None:
    """The count of checks goes on through a second submission."""
    spec = attempt.given(*SUBMITTED, unknown(POLICY.lookup_pauses[0])).when(SUBMIT).then(submitted)
    spec.when(UNKNOWN).then(unknown(POLICY.lookup_pauses[1]))


@pytest.mark.parametrize(("command", "event"), [(CAPTURED, succeeded), (DECLINED, failed())])
def test_a_doubt_ends_with_an_answer(command: PaymentCommand, event: PaymentEvent) -> None:
    """Charged or declined."""
    attempt.given(*SUBMITTED, unknown(POLICY.lookup_pauses[0])).when(command).then(event)


@pytest.mark.parametrize(
    ("history", "command"),
    [
        ((), CAPTURED),
        ((requested,), CAPTURED),
        ((requested,), DECLINED),
        ((*SUBMITTED, failed()), CAPTURED),
        ((*SUBMITTED, succeeded), DECLINED),
    ],
)
def test_an_answer_that_contradicts_history_is_loud(
    history: tuple[PaymentEvent, ...], command: PaymentCommand
) -> None:
    """An outcome that changes, or one without a call, needs a person."""
    with pytest.raises(ImpossibleHistory):
        _ = attempt.given(*history).when(command).decided


def test_what_was_not_submitted_can_be_abandoned() -> None:
    """Afterwards it cannot be submitted."""
    spec = attempt.given(requested).when(ABANDON).then(failed("abandoned"))
    spec.when(SUBMIT).then_nothing()


@pytest.mark.parametrize(
    "history", [SUBMITTED, (*SUBMITTED, unknown(POLICY.lookup_pauses[0])), (*SUBMITTED, succeeded)]
)
def test_what_was_submitted_cannot_be_abandoned(history: tuple[PaymentEvent, ...]) -> None:
    """The money may have been taken: it must be looked up and refunded."""
    attempt.given(*history).when(ABANDON).then_nothing()


def test_money_goes_back_once_and_whole() -> None:
    """Requested and confirmed any number of times."""
    spec = attempt.given(*SUBMITTED, succeeded).when(REFUND).then(refund_requested)
    spec = spec.when(REFUND).then_nothing().when(REFUND_DONE).then(refund_issued)
    spec.when(REFUND).then_nothing().when(REFUND_DONE).then_nothing().when(CAPTURED).then_nothing()


@pytest.mark.parametrize("history", [(requested,), SUBMITTED, (*SUBMITTED, failed())])
def test_what_was_not_taken_does_not_go_back(history: tuple[PaymentEvent, ...]) -> None:
    """No refund without a capture."""
    attempt.given(*history).when(REFUND).then_nothing()
