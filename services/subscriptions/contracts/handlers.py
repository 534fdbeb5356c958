"""Commands on contracts, with the coverage of their subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.subscriptions.contract_coverage.decider import (
    CONTRACT_COVERAGE,
    ClaimCoverage,
    ReleaseCoverage,
    contract_coverage_id,
)
from services.subscriptions.contracts.decider import (
    CONTRACT,
    FeeTerms,
    NoContract,
    SignContract,
    Signed,
    SubscriptionToCover,
    TerminateContract,
)
from services.subscriptions.contracts.refusals import ContractIsUnknown
from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.refusals import SubscriptionIsUnknown
from services.subscriptions.subscriptions.state import NoSubscription
from shared.billing.contracts.subscriptions.contracts import (
    ContractKind,
    ContractSigned,
    ContractTerminated,
    Overage,
    VolumeDiscount,
)
from shared.framework.core.ids import has_prefix
from shared.framework.core.refusals import in_field
from shared.framework.eventstore.unit_of_work import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCustomerContract:
    """Sign a contract: by default from now on, in the customer's currency, for all subscriptions.

    The anchor is the start unless another one is given.
    """

    contract_id: str
    customer_id: str
    name: str
    kind: ContractKind
    interval: str
    period_count: int
    commitments: tuple[Decimal, ...]
    currency: str | None = None
    starts_at: datetime | None = None
    anchor_at: datetime | None = None
    subscription_ids: tuple[str, ...] | None = None
    overage: Overage | None = None
    volume_discounts: tuple[VolumeDiscount, ...] = ()
    termination_fee: FeeTerms | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndContract:
    """Terminate a contract, by default now, or at its start if that is still to come."""

    contract_id: str
    ends_at: datetime | None
    now: datetime


async def sign_contract(session: Session, command: SignCustomerContract) -> Signed:
    """Sign a contract of a customer, and return it.

    Raises CustomerIsUnknown, SubscriptionIsUnknown, ContractsOverlap and what `sign` raises.
    """
    if not has_prefix("cus", command.customer_id):
        raise CustomerIsUnknown(command.customer_id)
    customer = registered(command.customer_id, await session.state(CUSTOMER, command.customer_id))
    starts_at = command.starts_at or command.now
    sign = SignContract(
        contract_id=command.contract_id,
        customer=customer,
        name=command.name,
        kind=command.kind,
        currency=command.currency or customer.currency,
        interval=command.interval,
        period_count=command.period_count,
        starts_at=starts_at,
        anchor_at=command.anchor_at or starts_at,
        commitments=command.commitments,
        subscriptions=await _subscriptions(session, command.subscription_ids),
        overage=command.overage,
        volume_discounts=command.volume_discounts,
        termination_fee=command.termination_fee,
        now=command.now,
    )
    for event in await session.handle(CONTRACT, command.contract_id, sign):
        if isinstance(event, ContractSigned):
            coverage_id = contract_coverage_id(event.customer_id)
            await session.handle(CONTRACT_COVERAGE, coverage_id, ClaimCoverage(event))
    return await _signed(session, command.contract_id)


async def end_contract(session: Session, command: EndContract) -> Signed:
    """Terminate a contract, and return it. Raises what `terminate` raises."""
    contract = await _signed(session, command.contract_id)
    ends_at = command.ends_at or max(command.now, contract.terms.starts_at)
    terminate = TerminateContract(contract_id=command.contract_id, ends_at=ends_at, now=command.now)
    for event in await session.handle(CONTRACT, command.contract_id, terminate):
        if isinstance(event, ContractTerminated):
            coverage_id = contract_coverage_id(event.customer_id)
            await session.handle(CONTRACT_COVERAGE, coverage_id, ReleaseCoverage(event))
    return await _signed(session, command.contract_id)


async def _signed(session: Session, contract_id: str) -> Signed:
    if not has_prefix("con", contract_id):
        raise ContractIsUnknown(contract_id)
    contract = await session.state(CONTRACT, contract_id)
    if isinstance(contract, NoContract):
        raise ContractIsUnknown(contract_id)
    return contract


async def _subscriptions(
    session: Session, subscription_ids: tuple[str, ...] | None
) -> Mapping[str, SubscriptionToCover] | None:
    """The subscriptions by id; None for all. Raises SubscriptionIsUnknown."""
    if subscription_ids is None:
        return None
    found = {}
    for number, subscription_id in enumerate(subscription_ids):
        with in_field("subscription_ids", number):
            if not has_prefix("sub", subscription_id):
                raise SubscriptionIsUnknown(subscription_id)
            state = await session.state(SUBSCRIPTION, subscription_id)
            if isinstance(state, NoSubscription):
                raise SubscriptionIsUnknown(subscription_id)
            found[subscription_id] = SubscriptionToCover(
                customer_id=state.terms.customer_id, currency=state.terms.currency
            )
    return found
