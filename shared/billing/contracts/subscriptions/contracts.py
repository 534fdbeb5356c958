"""Events of contracts: what a customer commits to pay over several periods, and for which subscriptions."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from shared.billing.money import Money
from shared.billing.period import Period
from shared.framework.core.event import Event


class ContractKind(StrEnum):
    """How a commitment is paid.

    `minimum`: all that is billed counts, and what is missing at the end of the period is billed as true-up.
    `postpaid`: the same for usage alone, and usage beyond the commitment is overage. `prepaid`: billed at the
    start of the period; usage is drawn from it, usage beyond it is overage, and what is unused expires.
    """

    MINIMUM = "minimum"
    PREPAID = "prepaid"
    POSTPAID = "postpaid"


class VolumeDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """The `rate` (a fraction) taken off the part of a period's charges `above` an amount, in major units.

    It holds up to the next amount of the table.
    """

    above: Decimal
    rate: Decimal


class Overage(msgspec.Struct, frozen=True, kw_only=True):
    """What usage beyond the commitment costs: its own amount times `multiplier`, or other unit prices.

    `unit_prices`: by charge key, in major units; usage of other charges costs what it costs.
    """

    multiplier: Decimal | None = None
    unit_prices: dict[str, Decimal] = {}


class TerminationFee(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a termination before the end of the term: an amount, or a share of what was to come."""

    amount: Money | None = None
    share: Decimal | None = None


class CommitmentPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A period of a contract, and the commitment for the whole of `full_period`, which the start may cut."""

    period: Period
    full_period: Period
    commitment: Money


class ContractSigned(Event, frozen=True, kw_only=True):
    """A customer committed to pay an amount in each of these periods, one after the other.

    `subscription_ids`: the subscriptions that the contract covers; None: all of the customer in `currency`.
    """

    wire_name = "subscriptions.contract.signed.v1"

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


class ContractTerminated(Event, frozen=True, kw_only=True):
    """A contract ends at `ends_at`, before its term; the commitment of the period with it is prorated."""

    wire_name = "subscriptions.contract.terminated.v1"

    contract_id: str
    customer_id: str
    ends_at: datetime
    terminated_at: datetime


class ContractCoverageClaimed(Event, frozen=True, kw_only=True):
    """From `starts_at` to `ends_at` these subscriptions of the customer (None: all) are under a contract."""

    wire_name = "subscriptions.contract-coverage.claimed.v1"

    contract_id: str
    customer_id: str
    subscription_ids: tuple[str, ...] | None
    starts_at: datetime
    ends_at: datetime
    claimed_at: datetime


class ContractCoverageReleased(Event, frozen=True, kw_only=True):
    """The contract covers its subscriptions only until `ends_at`."""

    wire_name = "subscriptions.contract-coverage.released.v1"

    contract_id: str
    customer_id: str
    ends_at: datetime
    released_at: datetime
