"""Checks of commitments on the events themselves: what counts, what was missing, and the invoices of it."""

from collections import defaultdict

from projections.audit.report import Difference
from shared.billing.contracts.invoicing.commitments import (
    CommitmentClosed,
    CommitmentInvoiceCounted,
    CommitmentInvoiceReleased,
    CommitmentStarted,
    PrepaidCommitmentInvoiced,
    TerminationFeeInvoiced,
)
from shared.billing.contracts.invoicing.invoices import InvoiceFinalized
from shared.billing.contracts.subscriptions.contracts import ContractKind
from shared.framework.core.event import Event
from shared.framework.eventstore.records import EventRecord

Key = tuple[str, str]
"""Tenant and id."""


class CommitmentCheck:
    """A closed commitment is what its invoices count and what was missing, which has its own invoice."""

    def __init__(self) -> None:
        """Records come by `visit`."""
        self.differences: list[Difference] = []
        self._kinds: dict[Key, ContractKind] = {}
        self._counted: dict[Key, dict[str, int]] = defaultdict(dict)
        self._issued: dict[Key, int] = {}
        self._subtotals: dict[Key, int] = {}
        self._counting: dict[Key, list[str]] = defaultdict(list)

    def visit(self, record: EventRecord, event: Event | None) -> None:
        """See RecordVisitor."""
        tenant_id = record.tenant_id
        match event:
            case InvoiceFinalized():
                self._subtotals[tenant_id, event.invoice_id] = event.subtotal.minor
            case CommitmentStarted():
                self._kinds[tenant_id, event.commitment_id] = event.kind
            case CommitmentInvoiceCounted():
                key = (tenant_id, event.commitment_id)
                self._counted[key][event.invoice_id] = _counts(self._kinds.get(key), event)
                self._counting[tenant_id, event.invoice_id].append(event.commitment_id)
            case CommitmentInvoiceReleased():
                self._counted[tenant_id, event.commitment_id].pop(event.invoice_id, None)
            case PrepaidCommitmentInvoiced() | TerminationFeeInvoiced():
                self._issued[tenant_id, event.invoice_id] = event.amount.minor
            case CommitmentClosed():
                self._closed(tenant_id, event)

    def finish(self) -> list[Difference]:
        """All differences, after the last record."""
        for key, amount in self._issued.items():
            if self._subtotals.get(key) != amount:
                detail = (
                    f"its contract bills {amount} minor units, and it comes to {self._subtotals.get(key)}"
                )
                self.differences.append(Difference("commitments", *key, detail))
        for key, commitments in self._counting.items():
            if key not in self._subtotals:
                detail = f"it counts in {', '.join(commitments)}, and was not finalized"
                self.differences.append(Difference("commitments", *key, detail))
        return self.differences

    def _closed(self, tenant_id: str, event: CommitmentClosed) -> None:
        counted = sum(self._counted[tenant_id, event.commitment_id].values())
        missing = max(0, event.amount.minor - counted)
        found = (event.counted.minor, event.true_up.minor + event.expired.minor)
        if found != (counted, missing):
            detail = f"closed with {found[0]} counted and {found[1]} missing, not {counted} and {missing}"
            self.differences.append(Difference("commitments", tenant_id, event.commitment_id, detail))
        if event.invoice_id is not None:
            self._issued[tenant_id, event.invoice_id] = event.true_up.minor


def _counts(kind: ContractKind | None, event: CommitmentInvoiceCounted) -> int:
    """Minor units of an invoice that count toward a commitment of this kind; none without a start."""
    match kind:
        case ContractKind.MINIMUM:
            return event.charged.minor - event.discount.minor
        case ContractKind.POSTPAID:
            return event.usage.minor
        case ContractKind.PREPAID:
            return event.drawn.minor
        case None:
            return 0
