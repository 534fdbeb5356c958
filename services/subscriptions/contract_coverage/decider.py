"""The coverage of one customer's contracts: at any instant a subscription is under one contract."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.billing.contracts.subscriptions.contracts import (
    ContractCoverageClaimed,
    ContractCoverageReleased,
    ContractSigned,
    ContractTerminated,
)
from shared.framework.core.decider import Decider
from shared.framework.core.ids import derived_id
from shared.framework.core.refusals import ImpossibleHistory, Refusal, RefusalKind


class ContractsOverlap(Refusal):
    """Another contract covers the same subscription at the same time."""

    code = "contract-overlaps"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True)
class ClaimCoverage:
    """Put the subscriptions of a contract under it for its term."""

    contract: ContractSigned


@dataclass(frozen=True, slots=True)
class ReleaseCoverage:
    """End the coverage of a contract with it."""

    terminated: ContractTerminated


ContractCoverage = dict[str, ContractCoverageClaimed]
"""The coverage of each contract by its id, with the present end."""

CoverageCommand = ClaimCoverage | ReleaseCoverage
CoverageEvent = ContractCoverageClaimed | ContractCoverageReleased


def contract_coverage_id(customer_id: str) -> str:
    """The stream of the coverage of a customer's contracts."""
    return derived_id("cov", customer_id)


def decide(coverage: ContractCoverage, command: CoverageCommand) -> Sequence[CoverageEvent]:
    """The coverage of a contract, or its end; nothing if it is repeated. Raises ContractsOverlap."""
    match command:
        case ClaimCoverage(contract=contract):
            claimed = _claimed(contract)
            for held in coverage.values():
                _check_apart(held, claimed)
            return [] if contract.contract_id in coverage else [claimed]
        case ReleaseCoverage(terminated=terminated):
            return [
                ContractCoverageReleased(
                    contract_id=terminated.contract_id,
                    customer_id=terminated.customer_id,
                    ends_at=terminated.ends_at,
                    released_at=terminated.terminated_at,
                )
            ]


def evolve(coverage: ContractCoverage, event: CoverageEvent) -> ContractCoverage:
    """The state after an event. Raises ImpossibleHistory for the end of a coverage that is not there."""
    match event:
        case ContractCoverageClaimed():
            return coverage | {event.contract_id: event}
        case ContractCoverageReleased() if event.contract_id in coverage:
            cut = msgspec.structs.replace(coverage[event.contract_id], ends_at=event.ends_at)
            return coverage | {event.contract_id: cut}
    raise ImpossibleHistory(coverage, event)


CONTRACT_COVERAGE: Decider[ContractCoverage, CoverageCommand, CoverageEvent] = Decider({}, decide, evolve)


def _claimed(contract: ContractSigned) -> ContractCoverageClaimed:
    return ContractCoverageClaimed(
        contract_id=contract.contract_id,
        customer_id=contract.customer_id,
        subscription_ids=contract.subscription_ids,
        starts_at=contract.starts_at,
        ends_at=contract.ends_at,
        claimed_at=contract.signed_at,
    )


def _check_apart(held: ContractCoverageClaimed, new: ContractCoverageClaimed) -> None:
    """Raise ContractsOverlap if two contracts have a subscription and an instant in common."""
    if max(held.starts_at, new.starts_at) >= min(held.ends_at, new.ends_at):
        return
    both = _in_both(held.subscription_ids, new.subscription_ids)
    if both is None or both:
        which = "all subscriptions" if both is None else ", ".join(sorted(both))
        raise ContractsOverlap(f"{held.contract_id} covers {which} until {held.ends_at.isoformat()}")


def _in_both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> set[str] | None:
    """The subscriptions that are in both; None for all."""
    if one is None or other is None:
        named = other if one is None else one
        return None if named is None else set(named)
    return set(one) & set(other)
