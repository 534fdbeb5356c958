"""One payment: an attempt to take money, with at most one charge per gateway key.

A call without a response makes its outcome unknown; a lookup resolves it (billing rule 14).
"""

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
"""The decline code of a payment for which the gateway was never called."""

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
    """The id of the payment of one attempt on one invoice; it is also the idempotency key at the gateway."""
    return derived_id("pay", invoice_id, str(attempt))


def decide(payment: Payment, command: PaymentCommand) -> Sequence[PaymentEvent]:
    """The events that a command leads to: none when it is repeated or comes too late.

    Raises ImpossibleHistory for a gateway outcome that contradicts the recorded one.
    """
    match command, payment:
        case RequestPayment(), NoPayment():
            return [_requested(command)]
        case SubmitPayment(), Requested(order) | Unknown(order):
            # Committed before the gateway is called: after a crash it is looked up, not charged again.
            return [PaymentSubmitted(payment_id=order.payment_id, submitted_at=command.now)]
        case RecordCapture(), _:
            return _succeed(payment, command)
        case RecordDecline(), _:
            return _decline(payment, command)
        case RecordUnknownOutcome(), Submitted(order, unknowns) | Unknown(order, unknowns):
            if unknowns < len(command.lookup_pauses):
                return [_unknown(order, command, command.now + command.lookup_pauses[unknowns])]
        case AbandonPayment(), Requested(order):
            return [_failed(order, ABANDONED, False, command.now)]
        case RequestRefund(), Succeeded(order):
            return [_refund_requested(order, command)]
        case ConfirmRefund(), Refunding(_, _, refund):
            return [_refund_issued(refund, command)]
    match command:  # every command by name, so that the type checker refuses one without a transition above
        case RequestPayment() | SubmitPayment() | RecordCapture() | RecordDecline() | RecordUnknownOutcome():
            return []
        case AbandonPayment() | RequestRefund() | ConfirmRefund():
            return []


def evolve(payment: Payment, event: PaymentEvent) -> Payment:
    """The state after an event."""
    match payment, event:
        case NoPayment(), PaymentRequested():
            return Requested(event)
        case Requested(order), PaymentSubmitted():
            return Submitted(order)
        case Unknown(order, unknowns), PaymentSubmitted():
            return Submitted(order, unknowns)
        case ((Submitted(order, unknowns) | Unknown(order, unknowns)), PaymentUnknown()):
            return Unknown(order, unknowns + 1)
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


def _succeed(payment: Payment, command: RecordCapture) -> Sequence[PaymentEvent]:
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


def _decline(payment: Payment, command: RecordDecline) -> Sequence[PaymentEvent]:
    match payment:
        case Submitted(order) | Unknown(order):
            return [_failed(order, command.code, command.hard, command.now)]
        case Failed():
            return []
        case NoPayment() | Requested() | Succeeded() | Refunding() | Refunded():
            raise ImpossibleHistory(payment, command)


def _unknown(order: PaymentRequested, command: RecordUnknownOutcome, check_at: datetime) -> PaymentUnknown:
    return PaymentUnknown(
        payment_id=order.payment_id,
        invoice_id=order.invoice_id,
        cause=command.cause,
        check_at=check_at,
        noticed_at=command.now,
    )


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


def _refund_issued(refund: RefundRequested, command: ConfirmRefund) -> RefundIssued:
    return RefundIssued(
        refund_id=refund.refund_id,
        payment_id=refund.payment_id,
        invoice_id=refund.invoice_id,
        customer_id=refund.customer_id,
        amount=refund.amount,
        gateway_reference=command.reference,
        issued_at=command.now,
    )
