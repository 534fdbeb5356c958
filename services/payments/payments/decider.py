"""One payment attempt: one charge at most per gateway key; unknown after a time-out (billing rule 14)."""

from collections.abc import Sequence
from datetime import datetime

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
from services.payments.payments.state import (
    Failed,
    NoPayment,
    Payment,
    Refunded,
    Refunding,
    Requested,
    Submitted,
    Succeeded,
    Unknown,
)
from shared.billing.contracts.payments.payments import (
    PaymentFailed,
    PaymentRequested,
    PaymentSubmitted,
    PaymentSucceeded,
    PaymentUnknown,
)
from shared.billing.contracts.payments.refunds import RefundIssued, RefundRequested
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory

ABANDONED = "abandoned"
"""The decline code of an attempt that never reached the gateway."""

PaymentCommand = (
    RequestPayment
    | SubmitPayment
    | RecordCapture
    | RecordDecline
    | RecordUnknownOutcome
    | AbandonPayment
    | RequestRefund
    | ConfirmRefund
)
PaymentEvent = (
    PaymentRequested
    | PaymentSubmitted
    | PaymentSucceeded
    | PaymentFailed
    | PaymentUnknown
    | RefundRequested
    | RefundIssued
)


def payment_id_of(invoice_id: str, attempt: int) -> str:
    """One attempt on one invoice is one payment, and one key at the gateway."""
    return derived_id("pay", invoice_id, str(attempt))


def decide(payment: Payment, command: PaymentCommand) -> Sequence[PaymentEvent]:
    """Hand the command to the one function that judges it."""
    match command:
        case RequestPayment():
            return [_requested(command)] if isinstance(payment, NoPayment) else []
        case SubmitPayment():
            return submit(payment, command)
        case RecordCapture():
            return succeed(payment, command)
        case RecordDecline():
            return fail(payment, command)
        case RecordUnknownOutcome():
            return record_unknown(payment, command)
        case AbandonPayment():
            return abandon(payment, command)
        case RequestRefund() | ConfirmRefund():
            return refund(payment, command)


def submit(payment: Payment, command: SubmitPayment) -> Sequence[PaymentEvent]:
    """Said before the gateway is asked, so that a crash in between leaves a doubt and not a lie."""
    match payment:
        case Requested() | Unknown():
            return [PaymentSubmitted(payment_id=payment.order.payment_id, submitted_at=command.now)]
        case _:
            return []


def succeed(payment: Payment, command: RecordCapture) -> Sequence[PaymentEvent]:
    """The money is there, once; that it is there after a refusal cannot be."""
    match payment:
        case Submitted(order) | Unknown(order):
            return [
                PaymentSucceeded(
                    payment_id=order.payment_id,
                    invoice_id=order.invoice_id,
                    customer_id=order.customer_id,
                    amount=order.amount,
                    gateway_reference=command.reference,
                    succeeded_at=command.now,
                )
            ]
        case Succeeded() | Refunding() | Refunded():
            return []
        case NoPayment() | Requested() | Failed():
            raise ImpossibleHistory(payment, command)


def fail(payment: Payment, command: RecordDecline) -> Sequence[PaymentEvent]:
    """No money, once; that it is refused after it was there cannot be."""
    match payment:
        case Submitted() | Unknown():
            return [_failed(payment.order, command.code, command.hard, command.now)]
        case Failed():
            return []
        case NoPayment() | Requested() | Succeeded() | Refunding() | Refunded():
            raise ImpossibleHistory(payment, command)


def record_unknown(payment: Payment, command: RecordUnknownOutcome) -> Sequence[PaymentEvent]:
    """Ask again at a moment of its own, as long as the schedule of checks has one."""
    match payment:
        case Submitted(order, made) | Unknown(order, made) if made < len(command.checks):
            return [
                PaymentUnknown(
                    payment_id=order.payment_id,
                    invoice_id=order.invoice_id,
                    cause=command.cause,
                    check_at=command.now + command.checks[made],
                    noticed_at=command.now,
                )
            ]
        case _:
            return []


def abandon(payment: Payment, command: AbandonPayment) -> Sequence[PaymentEvent]:
    """An attempt that has not reached the gateway is simply over."""
    if not isinstance(payment, Requested):
        return []
    return [_failed(payment.order, ABANDONED, False, command.now)]


def refund(payment: Payment, command: RequestRefund | ConfirmRefund) -> Sequence[PaymentEvent]:
    """Money that was taken goes back once, whole."""
    match payment, command:
        case Succeeded(order), RequestRefund():
            return [_refund_requested(order, command)]
        case Refunding(order, _, requested), ConfirmRefund():
            return [_refund_issued(order, requested.refund_id, command)]
        case _:
            return []


def evolve(payment: Payment, event: PaymentEvent) -> Payment:
    """What is true after this event."""
    match payment, event:
        case NoPayment(), PaymentRequested():
            return Requested(event)
        case Requested(order), PaymentSubmitted():
            return Submitted(order)
        case Unknown(order, made), PaymentSubmitted():
            return Submitted(order, made)
        case ((Submitted(order, made) | Unknown(order, made)), PaymentUnknown()):
            return Unknown(order, made + 1)
        case ((Submitted(order) | Unknown(order)), PaymentSucceeded()):
            return Succeeded(order, event.gateway_reference)
        case ((Requested(order) | Submitted(order) | Unknown(order)), PaymentFailed()):
            return Failed(order)
        case Succeeded(order, reference), RefundRequested():
            return Refunding(order, reference, event)
        case Refunding(order), RefundIssued():
            return Refunded(order)
    raise ImpossibleHistory(payment, event)


PAYMENT: Decider[Payment, PaymentCommand, PaymentEvent] = Decider(NoPayment(), decide, evolve)


def _requested(command: RequestPayment) -> PaymentRequested:
    return PaymentRequested(
        payment_id=command.payment_id,
        collection_id=command.collection_id,
        invoice_id=command.invoice_id,
        customer_id=command.customer_id,
        attempt=command.attempt,
        amount=command.amount,
        method_id=command.method_id,
        gateway=command.gateway,
        gateway_key=command.payment_id,
        requested_at=command.now,
    )


def _failed(order: PaymentRequested, code: str, hard: bool, now: datetime) -> PaymentFailed:
    return PaymentFailed(
        payment_id=order.payment_id,
        invoice_id=order.invoice_id,
        customer_id=order.customer_id,
        decline_code=code,
        hard=hard,
        failed_at=now,
    )


def _refund_requested(order: PaymentRequested, command: RequestRefund) -> RefundRequested:
    return RefundRequested(
        refund_id=command.refund_id,
        payment_id=order.payment_id,
        invoice_id=order.invoice_id,
        customer_id=order.customer_id,
        amount=order.amount,
        gateway_key=command.refund_id,
        reason=command.reason,
        requested_at=command.now,
    )


def _refund_issued(order: PaymentRequested, refund_id: str, command: ConfirmRefund) -> RefundIssued:
    return RefundIssued(
        refund_id=refund_id,
        payment_id=order.payment_id,
        invoice_id=order.invoice_id,
        customer_id=order.customer_id,
        amount=order.amount,
        gateway_reference=command.reference,
        issued_at=command.now,
    )
