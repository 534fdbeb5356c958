"""Commands on subscriptions; `now` is an instant on the tenant's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.billing.contracts.subscriptions.coupons import CouponDefined
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.plans import AtTrialEnd, PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import ChangeKind
from shared.billing.pricing import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSubscription:
    """Bill a customer by a plan version from `starts_at` on, for the usage of `subject`.

    Periods are counted from `anchor_at`, which is not after the first billed instant: the start, or
    `trial_ends_at`. `quantities`: seats by charge key. `prices`: own prices by charge key. `coupon`: applied
    before anything is billed.
    """

    subscription_id: str
    customer: CustomerRegistered
    plan: PlanPublished
    subject: str
    anchor_at: datetime
    starts_at: datetime
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    trial_ends_at: datetime | None = None
    at_trial_end: AtTrialEnd = "bill"
    coupon: "ApplyCoupon | None" = None
    now: datetime


class CancelAt(StrEnum):
    """When a cancelled subscription ends."""

    PERIOD_END = "period_end"
    NOW = "now"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSubscription:
    """End a subscription with its present period, now, or at `ends_at`: then the last period is cut.

    `gives_credit`: what was billed in advance for the time after the end is given back.
    """

    subscription_id: str
    at: CancelAt
    ends_at: datetime | None = None
    gives_credit: bool = True
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawCancellation:
    """Let a cancelled subscription that has not ended go on."""

    subscription_id: str
    now: datetime


class ChangeAt(StrEnum):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSubscription:
    """Change what a subscription is billed by, pause it, or resume it, at an instant.

    `kind` terms: to a plan version (None: the present one), quantities and own prices by charge key.
    `effective_at` is used with DATE alone. `change_id` names the change if it is scheduled.
    """

    subscription_id: str
    change_id: str
    kind: ChangeKind
    at: ChangeAt
    effective_at: datetime | None = None
    plan: PlanPublished | None = None
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawChange:
    """Withdraw a scheduled change."""

    subscription_id: str
    change_id: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceSubscription:
    """Do what falls due at `due_at`: the end of a period, a scheduled change, the end of a trial."""

    subscription_id: str
    due_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyCoupon:
    """Reduce what a subscription bills by a coupon; `plan_ids`: the plans that it is limited to, if any."""

    subscription_id: str
    coupon: CouponDefined
    plan_ids: tuple[str, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCoupon:
    """Take a coupon from a subscription."""

    subscription_id: str
    coupon_id: str
    now: datetime


SubscriptionCommand = (
    StartSubscription
    | ApplyCoupon
    | RemoveCoupon
    | CancelSubscription
    | WithdrawCancellation
    | ChangeSubscription
    | WithdrawChange
    | AdvanceSubscription
)
