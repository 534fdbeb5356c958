"""A contract: signed for a term, and ended with it or terminated before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.subscriptions.contracts.refusals import (
    ContractCurrencyDiffers,
    ContractEndsBeforeItStarts,
    ContractHasEnded,
    ContractIsTerminated,
    ContractIsTooLong,
    ContractIsUnknown,
    ContractStartIsInThePast,
    SubscriptionIsOfAnotherCustomer,
    TerminationIsInThePast,
)
from services.subscriptions.contracts.terms import (
    ENDS_WITHIN,
    checked_discounts,
    checked_fee,
    checked_overage,
    committed,
    periods_of,
)
from shared.billing.contracts.subscriptions.contracts import (
    ContractKind,
    ContractSigned,
    ContractTerminated,
    Overage,
    TerminationFee,
    VolumeDiscount,
)
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.period import Interval
from shared.framework.core.decider import Decider
from shared.framework.core.refusals import ImpossibleHistory, in_field


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionToCover:
    """What a contract needs of a subscription that it covers."""

    customer_id: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTerms:
    """A termination fee as it was asked for: an amount in major units, or a share."""

    amount: Decimal | None
    share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignContract:
    """Commit a customer to these amounts (major units) in `period_count` periods from `starts_at` on.

    Periods are counted from `anchor_at`, which is not after the start. `subscriptions`: those that are
    covered, by id; None: all of the customer in `currency`.
    """

    contract_id: str
    customer: CustomerRegistered
    name: str
    kind: ContractKind
    currency: str
    interval: str
    period_count: int
    starts_at: datetime
    anchor_at: datetime
    commitments: tuple[Decimal, ...]
    subscriptions: Mapping[str, SubscriptionToCover] | None = None
    overage: Overage | None = None
    volume_discounts: tuple[VolumeDiscount, ...] = ()
    termination_fee: FeeTerms | None = None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateContract:
    """End a contract before its term, at an instant that is not in the past."""

    contract_id: str
    ends_at: datetime
    now: datetime


ContractCommand = SignContract | TerminateContract
ContractEvent = ContractSigned | ContractTerminated


@dataclass(frozen=True, slots=True)
class NoContract:
    """No contract was signed under this id."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A contract that ends with its term, or at `terminated.ends_at`."""

    terms: ContractSigned
    terminated: ContractTerminated | None = None

    @property
    def ends_at(self) -> datetime:
        """The end of the contract."""
        return self.terminated.ends_at if self.terminated else self.terms.ends_at


Contract = NoContract | Signed


def decide(contract: Contract, command: ContractCommand) -> Sequence[ContractEvent]:
    """The events of a command; see the function of each."""
    match command:
        case SignContract():
            return sign(contract, command)
        case TerminateContract():
            return terminate(contract, command)


def sign(contract: Contract, command: SignContract) -> Sequence[ContractSigned]:
    """The contract with its periods and their commitments; nothing if it is signed.

    Raises ContractStartIsInThePast, ContractCurrencyDiffers, SubscriptionIsOfAnotherCustomer,
    IntervalIsInvalid, ContractIsTooLong and what its amounts are refused for (terms.py).
    """
    if not isinstance(contract, NoContract):
        return []
    _check_parties(command)
    fee = command.termination_fee
    interval, zone = _interval(command), command.customer.time_zone
    periods = periods_of(command.anchor_at, command.starts_at, zone, interval, command.period_count)
    ends_at = periods[-1][0].end
    if ends_at > command.now + ENDS_WITHIN:
        raise ContractIsTooLong(ends_at.isoformat())
    return [
        ContractSigned(
            contract_id=command.contract_id,
            customer_id=command.customer.customer_id,
            name=command.name,
            kind=command.kind,
            currency=command.currency,
            time_zone=zone,
            interval=command.interval,
            starts_at=command.starts_at,
            ends_at=ends_at,
            periods=committed(periods, command.commitments, command.currency),
            subscription_ids=None if command.subscriptions is None else tuple(command.subscriptions),
            overage=checked_overage(command.overage, command.kind),
            volume_discounts=checked_discounts(command.volume_discounts),
            termination_fee=_fee(fee, command.currency),
            signed_at=command.now,
        )
    ]


def terminate(contract: Contract, command: TerminateContract) -> Sequence[ContractTerminated]:
    """The early end of a contract.

    Raises ContractIsUnknown, ContractIsTerminated, ContractHasEnded, TerminationIsInThePast and
    ContractEndsBeforeItStarts.
    """
    if isinstance(contract, NoContract):
        raise ContractIsUnknown(command.contract_id)
    if contract.terminated:
        raise ContractIsTerminated(f"it ends at {contract.ends_at.isoformat()}")
    ends_at, terms = command.ends_at, contract.terms
    with in_field("ends_at"):
        if ends_at < command.now:
            raise TerminationIsInThePast(f"{ends_at.isoformat()} is before {command.now.isoformat()}")
        if ends_at < terms.starts_at:
            raise ContractEndsBeforeItStarts(f"it starts at {terms.starts_at.isoformat()}")
        if ends_at >= terms.ends_at:
            raise ContractHasEnded(f"it ends at {terms.ends_at.isoformat()}")
    return [
        ContractTerminated(
            contract_id=terms.contract_id,
            customer_id=terms.customer_id,
            ends_at=ends_at,
            terminated_at=command.now,
        )
    ]


def evolve(contract: Contract, event: ContractEvent) -> Contract:
    """The state after an event."""
    match contract, event:
        case NoContract(), ContractSigned():
            return Signed(event)
        case Signed(terms=terms, terminated=None), ContractTerminated():
            return Signed(terms, event)
    raise ImpossibleHistory(contract, event)


CONTRACT: Decider[Contract, ContractCommand, ContractEvent] = Decider(NoContract(), decide, evolve)


def _check_parties(command: SignContract) -> None:
    customer = command.customer
    if command.starts_at < command.now:
        with in_field("starts_at"):
            raise ContractStartIsInThePast(
                f"{command.starts_at.isoformat()} is before {command.now.isoformat()}"
            )
    if command.currency != customer.currency:
        with in_field("currency"):
            raise ContractCurrencyDiffers(f"contract {command.currency}, customer {customer.currency}")
    for number, (subscription_id, covered) in enumerate((command.subscriptions or {}).items()):
        with in_field("subscription_ids", number):
            if covered.customer_id != customer.customer_id:
                raise SubscriptionIsOfAnotherCustomer(subscription_id)
            if covered.currency != command.currency:
                raise ContractCurrencyDiffers(
                    f"contract {command.currency}, {subscription_id} {covered.currency}"
                )


def _interval(command: SignContract) -> Interval:
    with in_field("interval"):
        return Interval.parse(command.interval)


def _fee(asked: FeeTerms | None, currency: str) -> TerminationFee | None:
    return None if asked is None else checked_fee(asked.amount, asked.share, currency)
