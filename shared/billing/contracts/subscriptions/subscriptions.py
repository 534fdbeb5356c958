"""Events of subscriptions and their billing periods."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import AtTrialEnd, Charge
from shared.billing.discounts import Discount
from shared.billing.period import Period
from shared.billing.proration import Proration
from shared.framework.core.event import Event

ChangeKind = Literal["terms", "pause", "resume"]
"""What a scheduled change does."""


class SubscriptionStarted(Event, frozen=True, kw_only=True):
    """A subscription has begun: the customer is billed by a plan version, period by period.

    Periods are counted from the anchor in `time_zone` (billing rule 10). Usage and fees count from
    `billed_from`; the period in which that lies is cut there. One before `started_at`, the tenant's now,
    backdates: the periods since then are closed at once, one after the other; with one after it, or with a
    trial, the subscription waits until it is activated. `shares_usage`: its usage may be billed by other
    subscriptions too. `quantities`: seats by charge key. `trial_ends_at`: until then nothing is billed;
    `at_trial_end`: what happens then (bill, cancel or pause).
    """

    wire_name = "subscriptions.subscription.started.v1"

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    currency: str
    interval: str
    charges: tuple[Charge, ...]
    time_zone: str
    anchor_at: datetime
    started_at: datetime
    starts_at: datetime | None = None
    shares_usage: bool = False
    quantities: dict[str, Decimal] = msgspec.field(default_factory=dict)
    proration: Proration = "day"
    trial_ends_at: datetime | None = None
    at_trial_end: AtTrialEnd = "bill"

    @property
    def billed_from(self) -> datetime:
        """The start of the first period; in events that have no `starts_at` it is the anchor."""
        return self.trial_ends_at or self.starts_at or self.anchor_at


class TrialStarted(Event, frozen=True, kw_only=True):
    """The trial of a subscription has begun: nothing is billed before `ends_at`."""

    wire_name = "subscriptions.trial.started.v1"

    subscription_id: str
    started_at: datetime
    ends_at: datetime


class SubscriptionActivated(Event, frozen=True, kw_only=True):
    """A subscription that waited, for its start or the end of its trial, is billed from `billed_from` on."""

    wire_name = "subscriptions.subscription.activated.v1"

    subscription_id: str
    billed_from: datetime
    activated_at: datetime


class SubscriptionChanged(Event, frozen=True, kw_only=True):
    """A subscription is billed by other terms from `effective_at` on; they replace the terms before.

    Periods are counted from `anchor_at`, which only another interval changes. `change_id` is that of the
    scheduled change that was carried out.
    """

    wire_name = "subscriptions.subscription.changed.v1"

    subscription_id: str
    plan_id: str
    plan_version: int
    interval: str
    charges: tuple[Charge, ...]
    quantities: dict[str, Decimal]
    proration: Proration
    anchor_at: datetime
    effective_at: datetime
    changed_at: datetime
    change_id: str | None = None


class SeatsChanged(Event, frozen=True, kw_only=True):
    """The quantity of one charge is another from `effective_at` on, within a period, which is not cut.

    `accrued`: what is billed in arrears of the quantity before, with the next close.
    """

    wire_name = "subscriptions.seats.changed.v1"

    subscription_id: str
    charge_key: str
    quantity: Decimal
    accrued: tuple[BillingItem, ...]
    effective_at: datetime
    changed_at: datetime
    change_id: str | None = None


class SubscriptionPaused(Event, frozen=True, kw_only=True):
    """Nothing is billed from `paused_from` on, until the subscription is resumed."""

    wire_name = "subscriptions.subscription.paused.v1"

    subscription_id: str
    paused_from: datetime
    paused_at: datetime
    change_id: str | None = None


class SubscriptionResumed(Event, frozen=True, kw_only=True):
    """A paused subscription is billed again from `billed_from` on; its periods are counted as before."""

    wire_name = "subscriptions.subscription.resumed.v1"

    subscription_id: str
    billed_from: datetime
    resumed_at: datetime
    change_id: str | None = None


class CancellationWithdrawn(Event, frozen=True, kw_only=True):
    """A cancellation that had not taken effect was withdrawn: the subscription goes on."""

    wire_name = "subscriptions.cancellation.withdrawn.v1"

    subscription_id: str
    withdrawn_at: datetime


class ScheduledChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is carried out at `at`: to other terms, a pause, or the end of one."""

    change_id: str
    at: datetime
    kind: ChangeKind
    plan_id: str | None = None
    plan_version: int | None = None
    interval: str | None = None
    charges: tuple[Charge, ...] | None = None
    quantities: dict[str, Decimal] = msgspec.field(default_factory=dict)
    proration: Proration | None = None


class ChangeScheduled(Event, frozen=True, kw_only=True):
    """A change of a subscription was scheduled."""

    wire_name = "subscriptions.change.scheduled.v1"

    subscription_id: str
    change: ScheduledChange
    scheduled_at: datetime


class ScheduledChangeWithdrawn(Event, frozen=True, kw_only=True):
    """A scheduled change will not be carried out."""

    wire_name = "subscriptions.scheduled-change.withdrawn.v1"

    subscription_id: str
    change_id: str
    withdrawn_at: datetime


class ChargesDue(Event, frozen=True, kw_only=True):
    """Items are due that need no usage: in advance, once, or given back; an invoice of their own.

    `due_id` identifies the event; `effective_at` is the instant from which the items follow.
    """

    wire_name = "subscriptions.charges.due.v1"

    due_id: str
    subscription_id: str
    customer_id: str
    plan_id: str
    plan_version: int
    currency: str
    time_zone: str
    proration: Proration
    items: tuple[BillingItem, ...]
    effective_at: datetime
    due_at: datetime
    discounts: tuple[Discount, ...] = ()


class SubscriptionCancelled(Event, frozen=True, kw_only=True):
    """A subscription was cancelled: no period begins at or after `ends_at`; one that it cuts is prorated.

    `gives_credit`: what was billed in advance for the time after `ends_at` is given back.
    """

    wire_name = "subscriptions.subscription.cancelled.v1"

    subscription_id: str
    ends_at: datetime
    cancelled_at: datetime
    gives_credit: bool = True


class BillingPeriodClosed(Event, frozen=True, kw_only=True):
    """A period is over and may be billed: published exactly once for a subscription and a period.

    `period` is what is billed; `full_period` is the real length of the period, which a start or an end may
    cut: the denominator of any proration (billing rule 9). `charges` are the prices of the period,
    `discounts` those that reduce it, in the order in which they were applied: rating needs no other event.
    `items` are due with it: what is billed in advance, in arrears by quantity, once, or given back.
    """

    wire_name = "subscriptions.billing-period.closed.v1"

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    currency: str
    time_zone: str
    charges: tuple[Charge, ...]
    period_index: int
    period: Period
    full_period: Period
    closed_at: datetime
    discounts: tuple[Discount, ...] = ()
    items: tuple[BillingItem, ...] = ()
    proration: Proration = "day"


class SubscriptionEnded(Event, frozen=True, kw_only=True):
    """The last period of a subscription is closed."""

    wire_name = "subscriptions.subscription.ended.v1"

    subscription_id: str
    ended_at: datetime
