"""Events of the terms of contracts, as invoicing has received them."""

from datetime import datetime

from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractKind,
    Overage,
    TerminationFee,
    VolumeDiscount,
)
from shared.framework.core.event import Event


class ContractTermsRecorded(Event, frozen=True, kw_only=True):
    """The terms by which a customer's invoices are charged under a contract, copied from its signing."""

    wire_name = "invoicing.contract-terms.recorded.v1"

    contract_id: str
    customer_id: str
    name: str
    kind: ContractKind
    currency: str
    time_zone: str
    periods: tuple[CommitmentPeriod, ...]
    subscription_ids: tuple[str, ...] | None
    overage: Overage | None
    volume_discounts: tuple[VolumeDiscount, ...]
    termination_fee: TerminationFee | None
    recorded_at: datetime


class ContractEndRecorded(Event, frozen=True, kw_only=True):
    """The contract ends at `ends_at`, before its term: the commitment of the period with it is prorated."""

    wire_name = "invoicing.contract-terms.end-recorded.v1"

    contract_id: str
    customer_id: str
    ends_at: datetime
    recorded_at: datetime
