"""Contracts, with their terms and their end."""

from datetime import datetime
from enum import StrEnum

import msgspec

from projections.engine.read_model import DecodedEvent, ReadModel, StreamSource, row_from, single_row
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    ContractSigned,
    ContractTerminated,
    Overage,
    TerminationFee,
    VolumeDiscount,
)
from shared.framework.core.refusals import ImpossibleHistory


class ContractStatus(StrEnum):
    """The state of a contract: `terminated` ends before its term."""

    SIGNED = "signed"
    TERMINATED = "terminated"


class ContractRow(msgspec.Struct, frozen=True, kw_only=True):
    """A contract; `ends_at` is the end of its term, or of the contract once it is terminated."""

    contract_id: str
    customer_id: str
    name: str
    kind: ContractKind
    currency: str
    time_zone: str
    interval: str
    starts_at: datetime
    ends_at: datetime
    periods: tuple[CommitmentPeriod, ...]
    subscription_ids: tuple[str, ...] | None
    overage: Overage | None
    volume_discounts: tuple[VolumeDiscount, ...]
    termination_fee: TerminationFee | None
    signed_at: datetime
    status: ContractStatus = ContractStatus.SIGNED
    terminated_at: datetime | None = None


def fold(row: ContractRow | None, event: ContractSigned | ContractTerminated, _: DecodedEvent) -> ContractRow:
    """The row after an event."""
    match row, event:
        case None, ContractSigned():
            return row_from(ContractRow, event)
        case ContractRow(), ContractTerminated():
            return msgspec.structs.replace(
                row,
                status=ContractStatus.TERMINATED,
                ends_at=event.ends_at,
                terminated_at=event.terminated_at,
            )
    raise ImpossibleHistory(row, event)


CONTRACTS = ReadModel(
    name="contracts",
    version=1,
    row=ContractRow,
    events=(ContractSigned, ContractTerminated),
    targets=single_row("contract_id"),
    fold=fold,
    sorted_by=lambda row: row.signed_at,
    filters=("customer_id", "status"),
    owner="customer_id",
    source=StreamSource,
)
