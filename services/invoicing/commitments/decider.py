"""A commitment: one period of a contract, whose invoices are counted until it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.invoicing.commitments.amounts import ContractAmounts
from services.invoicing.commitments.state import (
    ClosedCommitment,
    Commitment,
    CommitmentEvent,
    NoCommitment,
    OpenCommitment,
    evolve,
)
from services.invoicing.contract_terms.decider import ContractTerms
from shared.billing.contracts.invoicing.commitments import (
    CommitmentClosed,
    CommitmentInvoiceAwaited,
    CommitmentInvoiceCounted,
    CommitmentInvoiceReleased,
    CommitmentStarted,
    PrepaidCommitmentInvoiced,
    TerminationFeeInvoiced,
)
from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.billing.money import Money
from shared.billing.period import Period
from shared.billing.pricing import RatingStep, exact_sum
from shared.billing.pricing.model import prorated_step, rating_step
from shared.billing.proration import share_of
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCommitment:
    """Begin the commitment of the contract's period of this number."""

    terms: ContractTerms
    number: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePrepaid:
    """Record that a prepaid commitment is billed by this invoice."""

    invoice_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitInvoice:
    """Keep the commitment open until this invoice is there."""

    invoice_id: str
    subscription_id: str
    service_period: Period
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountInvoice:
    """Count the amounts of a finalized invoice."""

    invoice_id: str
    subscription_id: str
    amounts: ContractAmounts
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInvoice:
    """Do not await or count a voided invoice any more."""

    invoice_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCommitment:
    """Close the commitment of a period that is over, unless invoices are awaited.

    `invoice_id`: of the true-up, if one is due.
    """

    terms: ContractTerms
    invoice_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTerminationFee:
    """Record that the fee of a termination in this period is billed."""

    invoice_id: str
    amount: Money
    now: datetime


CommitmentCommand = (
    StartCommitment
    | InvoicePrepaid
    | AwaitInvoice
    | CountInvoice
    | ReleaseInvoice
    | CloseCommitment
    | InvoiceTerminationFee
)


def commitment_id_of(contract_id: str, number: int) -> str:
    """The stream of the commitment of a contract's period."""
    return derived_id("cmt", contract_id, str(number))


def commitment_steps(terms: ContractTerms, number: int) -> tuple[RatingStep, ...]:
    """The commitment of a period, prorated by local days where the period is cut (billing rule 9, V35)."""
    one = terms.periods[number]
    share = share_of(one.period, one.full_period, terms.recorded.time_zone, "day")
    return (prorated_step(rating_step("commitment", Decimal(1), one.commitment.major), share),)


def commitment_amount(terms: ContractTerms, number: int) -> Money:
    """The commitment of a period, rounded once."""
    return Money.rounded(exact_sum(commitment_steps(terms, number)), terms.recorded.currency)


def decide(commitment: Commitment, command: CommitmentCommand) -> Sequence[CommitmentEvent]:
    """The event of a command; nothing if it is repeated, or the commitment is closed."""
    match commitment, command:
        case NoCommitment(), StartCommitment():
            return [_started(command)]
        case OpenCommitment(), InvoicePrepaid() if not commitment.is_invoiced:
            return _prepaid(commitment.started, command)
        case OpenCommitment(), AwaitInvoice() if command.invoice_id not in commitment.counted:
            return [] if command.invoice_id in commitment.awaited else [_awaited(commitment, command)]
        case OpenCommitment(), CountInvoice() if command.invoice_id not in commitment.counted:
            return [_counted(commitment, command)]
        case OpenCommitment(awaited=awaited, counted=counted), ReleaseInvoice(invoice_id=gone):
            return [_released(commitment, command)] if gone in awaited or gone in counted else []
        case OpenCommitment(awaited=awaited), CloseCommitment() if not awaited:
            return [_closed(commitment, command)]
        case ((OpenCommitment() | ClosedCommitment()), InvoiceTerminationFee()):
            return [] if commitment.is_fee_invoiced else [_fee_invoiced(commitment.started, command)]
    return []


COMMITMENT: Decider[Commitment, CommitmentCommand, CommitmentEvent] = Decider(NoCommitment(), decide, evolve)


def _started(command: StartCommitment) -> CommitmentStarted:
    """The commitment as agreed: a termination cuts it when it is closed."""
    recorded = command.terms.recorded
    agreed = ContractTerms(recorded)
    return CommitmentStarted(
        commitment_id=commitment_id_of(recorded.contract_id, command.number),
        contract_id=recorded.contract_id,
        customer_id=recorded.customer_id,
        contract_name=recorded.name,
        kind=recorded.kind,
        number=command.number,
        period=agreed.periods[command.number].period,
        amount=commitment_amount(agreed, command.number),
        started_at=command.now,
    )


def _prepaid(started: CommitmentStarted, command: InvoicePrepaid) -> Sequence[PrepaidCommitmentInvoiced]:
    if started.kind is not ContractKind.PREPAID or not started.amount.minor:
        return []
    return [
        PrepaidCommitmentInvoiced(
            commitment_id=started.commitment_id,
            contract_id=started.contract_id,
            customer_id=started.customer_id,
            invoice_id=command.invoice_id,
            amount=started.amount,
            invoiced_at=command.now,
        )
    ]


def _awaited(commitment: OpenCommitment, command: AwaitInvoice) -> CommitmentInvoiceAwaited:
    started = commitment.started
    return CommitmentInvoiceAwaited(
        commitment_id=started.commitment_id,
        contract_id=started.contract_id,
        customer_id=started.customer_id,
        invoice_id=command.invoice_id,
        subscription_id=command.subscription_id,
        service_period=command.service_period,
        awaited=len(commitment.awaited) + 1,
        awaited_at=command.now,
    )


def _counted(commitment: OpenCommitment, command: CountInvoice) -> CommitmentInvoiceCounted:
    started = commitment.started
    return CommitmentInvoiceCounted(
        commitment_id=started.commitment_id,
        contract_id=started.contract_id,
        customer_id=started.customer_id,
        invoice_id=command.invoice_id,
        subscription_id=command.subscription_id,
        awaited=len(commitment.awaited - {command.invoice_id}),
        counted_at=command.now,
        **command.amounts.money(started.amount.currency),
    )


def _released(commitment: OpenCommitment, command: ReleaseInvoice) -> CommitmentInvoiceReleased:
    started = commitment.started
    amounts = commitment.counted.get(command.invoice_id, ContractAmounts())
    return CommitmentInvoiceReleased(
        commitment_id=started.commitment_id,
        contract_id=started.contract_id,
        customer_id=started.customer_id,
        invoice_id=command.invoice_id,
        awaited=len(commitment.awaited - {command.invoice_id}),
        released_at=command.now,
        **amounts.money(started.amount.currency),
    )


def _closed(commitment: OpenCommitment, command: CloseCommitment) -> CommitmentClosed:
    """The close, with what is missing: due now, or expired if it was paid before."""
    started, terms = commitment.started, command.terms
    is_prepaid = started.kind is ContractKind.PREPAID
    amount = started.amount if is_prepaid else commitment_amount(terms, started.number)
    counted = Money(commitment.amounts.counted(started.kind), amount.currency)
    missing = Money(max(0, amount.minor - counted.minor), amount.currency)
    nothing = Money.zero(amount.currency)
    return CommitmentClosed(
        commitment_id=started.commitment_id,
        contract_id=started.contract_id,
        customer_id=started.customer_id,
        period=terms.periods[started.number].period,
        amount=amount,
        counted=counted,
        true_up=nothing if is_prepaid else missing,
        expired=missing if is_prepaid else nothing,
        invoice_id=command.invoice_id if missing.minor and not is_prepaid else None,
        closed_at=command.now,
    )


def _fee_invoiced(started: CommitmentStarted, command: InvoiceTerminationFee) -> TerminationFeeInvoiced:
    return TerminationFeeInvoiced(
        commitment_id=started.commitment_id,
        contract_id=started.contract_id,
        customer_id=started.customer_id,
        invoice_id=command.invoice_id,
        amount=command.amount,
        invoiced_at=command.now,
    )
