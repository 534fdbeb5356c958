"""The contracts of one customer: their terms, and their ends where they were terminated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from shared.billing.contracts.invoicing.contract_terms import ContractEndRecorded, ContractTermsRecorded
from shared.billing.contracts.subscriptions.contracts import (
    CommitmentPeriod,
    ContractSigned,
    ContractTerminated,
)
from shared.billing.period import Period
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory


@dataclass(frozen=True, slots=True)
class RecordContract:
    """Record the terms of a contract that was signed."""

    signed: ContractSigned
    now: datetime


@dataclass(frozen=True, slots=True)
class RecordContractEnd:
    """Record the early end of a contract."""

    terminated: ContractTerminated
    now: datetime


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """The terms of one contract; `terminated_at`: its early end."""

    recorded: ContractTermsRecorded
    terminated_at: datetime | None = None

    def covers(self, subscription_id: str, currency: str) -> bool:
        """Whether charges of a subscription are under the contract, as far as it is not a matter of time."""
        ids = self.recorded.subscription_ids
        return currency == self.recorded.currency and (ids is None or subscription_id in ids)

    @property
    def periods(self) -> tuple[CommitmentPeriod, ...]:
        """The periods of the contract; a termination cuts the last one, and drops those after it."""
        if (end := self.terminated_at) is None:
            return self.recorded.periods
        return tuple(_cut(one, end) for one in self.recorded.periods if one.period.start < end)

    def number_of(self, ended_at: datetime) -> int | None:
        """The number of the period in which a service period has ended: after its start, by its end."""
        for number, one in enumerate(self.periods):
            if one.period.start < ended_at <= one.period.end:
                return number
        return None


CustomerContracts = Mapping[str, ContractTerms]
"""The contracts of a customer by their ids."""

TermsCommand = RecordContract | RecordContractEnd
TermsEvent = ContractTermsRecorded | ContractEndRecorded


def contract_terms_id(customer_id: str) -> str:
    """The stream of the contracts of a customer."""
    return derived_id("ctr", customer_id)


def decide(contracts: CustomerContracts, command: TermsCommand) -> Sequence[TermsEvent]:
    """The terms or the end of a contract; nothing if they are recorded."""
    match command:
        case RecordContract(signed=signed, now=now):
            return [] if signed.contract_id in contracts else [_recorded(signed, now)]
        case RecordContractEnd(terminated=terminated, now=now):
            known = contracts.get(terminated.contract_id)
            if known is None or known.terminated_at is not None:
                return []
            return [
                ContractEndRecorded(
                    contract_id=terminated.contract_id,
                    customer_id=terminated.customer_id,
                    ends_at=terminated.ends_at,
                    recorded_at=now,
                )
            ]


def evolve(contracts: CustomerContracts, event: TermsEvent) -> CustomerContracts:
    """The state after an event. Raises ImpossibleHistory for the end of a contract that is not there."""
    match event:
        case ContractTermsRecorded():
            return {**contracts, event.contract_id: ContractTerms(event)}
        case ContractEndRecorded() if event.contract_id in contracts:
            ended = replace(contracts[event.contract_id], terminated_at=event.ends_at)
            return {**contracts, event.contract_id: ended}
    raise ImpossibleHistory(contracts, event)


CONTRACT_TERMS: Decider[CustomerContracts, TermsCommand, TermsEvent] = Decider({}, decide, evolve)


def _recorded(signed: ContractSigned, now: datetime) -> ContractTermsRecorded:
    names = set(ContractTermsRecorded.__struct_fields__) - {"recorded_at"}
    return ContractTermsRecorded(recorded_at=now, **{name: getattr(signed, name) for name in names})


def _cut(one: CommitmentPeriod, end: datetime) -> CommitmentPeriod:
    return msgspec.structs.replace(one, period=Period(one.period.start, min(one.period.end, end)))
