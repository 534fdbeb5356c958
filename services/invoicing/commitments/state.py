"""The states of a commitment, and the state after each event."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from services.invoicing.commitments.amounts import ContractAmounts
from shared.billing.contracts.invoicing.commitments import (
    CommitmentClosed,
    CommitmentInvoiceAwaited,
    CommitmentInvoiceCounted,
    CommitmentInvoiceReleased,
    CommitmentStarted,
    PrepaidCommitmentInvoiced,
    TerminationFeeInvoiced,
)
from shared.framework.core.refusals import ImpossibleHistory

CommitmentEvent = (
    CommitmentStarted
    | PrepaidCommitmentInvoiced
    | CommitmentInvoiceAwaited
    | CommitmentInvoiceCounted
    | CommitmentInvoiceReleased
    | CommitmentClosed
    | TerminationFeeInvoiced
)


@dataclass(frozen=True, slots=True)
class NoCommitment:
    """Nothing was billed in the period, and it has not begun."""


@dataclass(frozen=True)
class OpenCommitment:
    """Invoices are counted. `awaited`: ids of invoices that are to come; `is_invoiced`: if it is prepaid."""

    started: CommitmentStarted
    is_invoiced: bool = False
    is_fee_invoiced: bool = False
    awaited: frozenset[str] = frozenset()
    counted: dict[str, ContractAmounts] = field(default_factory=dict)

    @cached_property
    def amounts(self) -> ContractAmounts:
        """The sums of all invoices that count."""
        return sum(self.counted.values(), start=ContractAmounts())


@dataclass(frozen=True, slots=True)
class ClosedCommitment:
    """What was missing is billed; no invoice counts any more."""

    started: CommitmentStarted
    is_fee_invoiced: bool = False


Commitment = NoCommitment | OpenCommitment | ClosedCommitment


def evolve(commitment: Commitment, event: CommitmentEvent) -> Commitment:
    """The state after an event."""
    match commitment, event:
        case NoCommitment(), CommitmentStarted():
            return OpenCommitment(event)
        case OpenCommitment(), PrepaidCommitmentInvoiced():
            return replace(commitment, is_invoiced=True)
        case OpenCommitment(), CommitmentInvoiceAwaited():
            return replace(commitment, awaited=commitment.awaited | {event.invoice_id})
        case OpenCommitment(awaited=awaited, counted=counted), CommitmentInvoiceCounted():
            counted = {**counted, event.invoice_id: ContractAmounts.of(event)}
            return replace(commitment, awaited=awaited - {event.invoice_id}, counted=counted)
        case OpenCommitment(awaited=awaited, counted=counted), CommitmentInvoiceReleased(invoice_id=gone):
            kept = {invoice_id: one for invoice_id, one in counted.items() if invoice_id != gone}
            return replace(commitment, awaited=awaited - {gone}, counted=kept)
        case OpenCommitment(started=started, is_fee_invoiced=is_fee_invoiced), CommitmentClosed():
            return ClosedCommitment(started, is_fee_invoiced)
        case ((OpenCommitment() | ClosedCommitment()), TerminationFeeInvoiced()):
            return replace(commitment, is_fee_invoiced=True)
    raise ImpossibleHistory(commitment, event)
