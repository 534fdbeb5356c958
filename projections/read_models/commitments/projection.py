"""Commitments, one row for each period of a contract, with what was billed and what was missing."""

from datetime import datetime
from enum import StrEnum
from typing import Any, get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, single_row
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
AMOUNTS = ("charged", "usage", "discount", "drawn", "overage")


class CommitmentStatus(StrEnum):
    """The state of a commitment; in a closed one no invoice counts any more."""

    OPEN = "open"
    CLOSED = "closed"


class CommitmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A commitment; amounts as in the events, `awaited` the number of invoices that keep it open."""

    commitment_id: str
    contract_id: str
    customer_id: str
    kind: ContractKind
    number: int
    period: Period
    amount: Money
    charged: Money
    usage: Money
    discount: Money
    drawn: Money
    overage: Money
    started_at: datetime
    status: CommitmentStatus = CommitmentStatus.OPEN
    awaited: int = 0
    counted: Money | None = None
    true_up: Money | None = None
    expired: Money | None = None
    true_up_invoice_id: str | None = None
    prepaid_invoice_id: str | None = None
    termination_fee: Money | None = None
    termination_fee_invoice_id: str | None = None
    closed_at: datetime | None = None


def fold(row: CommitmentRow | None, event: CommitmentEvent, _: DecodedEvent) -> CommitmentRow:
    """The row after an event."""
    if row is None:
        if not isinstance(event, CommitmentStarted):
            raise ImpossibleHistory(row, event)
        return _started(event)
    return msgspec.structs.replace(row, **_changes(row, event))


def _started(event: CommitmentStarted) -> CommitmentRow:
    zero: Any = dict.fromkeys(AMOUNTS, Money.zero(event.amount.currency))
    return CommitmentRow(
        commitment_id=event.commitment_id,
        contract_id=event.contract_id,
        customer_id=event.customer_id,
        kind=event.kind,
        number=event.number,
        period=event.period,
        amount=event.amount,
        started_at=event.started_at,
        **zero,
    )


def _changes(row: CommitmentRow, event: CommitmentEvent) -> dict[str, Any]:
    match event:
        case PrepaidCommitmentInvoiced():
            return {"prepaid_invoice_id": event.invoice_id}
        case CommitmentInvoiceAwaited():
            return {"awaited": event.awaited}
        case CommitmentInvoiceCounted():
            sums = {name: getattr(row, name) + getattr(event, name) for name in AMOUNTS}
            return {"awaited": event.awaited, **sums}
        case CommitmentInvoiceReleased():
            rest = {name: getattr(row, name) - getattr(event, name) for name in AMOUNTS}
            return {"awaited": event.awaited, **rest}
        case CommitmentClosed():
            names = ("period", "amount", "counted", "true_up", "expired", "closed_at")
            values = {name: getattr(event, name) for name in names}
            return {"status": CommitmentStatus.CLOSED, "true_up_invoice_id": event.invoice_id, **values}
        case TerminationFeeInvoiced():
            return {"termination_fee": event.amount, "termination_fee_invoice_id": event.invoice_id}
    raise ImpossibleHistory(row, event)


COMMITMENTS = ReadModel(
    name="commitments",
    version=1,
    row=CommitmentRow,
    events=get_args(CommitmentEvent),
    targets=single_row("commitment_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("contract_id", "customer_id", "status"),
    owner="customer_id",
    source=StreamSource,
)
