"""Billing runs, one row for each closed period, with the reason of a failure."""

from datetime import datetime
from enum import StrEnum
from typing import get_args

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.invoicing.billing_runs import (
    BillingRunCompleted,
    BillingRunFailed,
    BillingRunRetried,
    BillingRunStarted,
)
from shared.billing.period import Period
from shared.framework.core.refusals import ImpossibleHistory

BillingRunEvent = BillingRunStarted | BillingRunCompleted | BillingRunFailed | BillingRunRetried


class BillingRunStatus(StrEnum):
    """The state of a billing run; one that failed can be retried."""

    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"


class BillingRunRow(msgspec.Struct, frozen=True, kw_only=True):
    """`status`: running, failed or completed; `attempt` counts the readings of the period."""

    run_id: str
    invoice_id: str
    subscription_id: str
    customer_id: str
    period: Period
    started_at: datetime
    status: BillingRunStatus = BillingRunStatus.RUNNING
    attempt: int = 1
    failure_code: str | None = None
    failure_reason: str | None = None
    ended_at: datetime | None = None


def fold(row: BillingRunRow | None, event: BillingRunEvent, _: DecodedEvent) -> BillingRunRow:
    """The row after an event."""
    changed = msgspec.structs.replace
    match row, event:
        case None, BillingRunStarted():
            return row_from(BillingRunRow, event)
        case BillingRunRow(), BillingRunCompleted():
            return changed(row, status=BillingRunStatus.COMPLETED, ended_at=event.completed_at)
        case BillingRunRow(), BillingRunFailed():
            why = {"failure_code": event.code, "failure_reason": event.reason}
            return changed(row, status=BillingRunStatus.FAILED, ended_at=event.failed_at, **why)
        case BillingRunRow(), BillingRunRetried():
            again = {"invoice_id": event.invoice_id, "attempt": event.attempt}
            return changed(
                row,
                status=BillingRunStatus.RUNNING,
                failure_code=None,
                failure_reason=None,
                ended_at=None,
                **again,
            )
    raise ImpossibleHistory(row, event)


BILLING_RUNS = ReadModel(
    name="billing_runs",
    version=1,
    row=BillingRunRow,
    events=get_args(BillingRunEvent),
    targets=single_row("run_id"),
    fold=fold,
    sorted_by=lambda row: row.started_at,
    filters=("status", "customer_id", "subscription_id"),
    owner="customer_id",
    source=StreamSource,
)
