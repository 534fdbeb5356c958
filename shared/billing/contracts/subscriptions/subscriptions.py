"""Events of subscriptions and their billing periods."""

from datetime import datetime

from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.discounts import Discount
from shared.billing.period import Period
from shared.framework.core.event import Event


class SubscriptionStarted(Event, frozen=True, kw_only=True):
    """A subscription has begun: the customer is billed by a plan version, period by period.

    Periods are counted from the anchor in `time_zone` (billing rule 10). Usage and fees count from
    `billed_from`; the period in which that lies is cut there. One before `started_at`, the tenant's now,
    backdates: the periods since then are closed at once, one after the other. `shares_usage`: its usage
    may be billed by other subscriptions too.
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

    @property
    def billed_from(self) -> datetime:
        """The start of the first period; in events that have no `starts_at` it is the anchor."""
        return self.starts_at or self.anchor_at


class SubscriptionCancelled(Event, frozen=True, kw_only=True):
    """A subscription was cancelled: no period begins at or after `ends_at`; one that it cuts is prorated."""

    wire_name = "subscriptions.subscription.cancelled.v1"

    subscription_id: str
    ends_at: datetime
    cancelled_at: datetime


class BillingPeriodClosed(Event, frozen=True, kw_only=True):
    """A period is over and may be billed: published exactly once for a subscription and a period.

    `period` is what is billed; `full_period` is the real length of the period, which a start or an end may
    cut: the denominator of any proration (billing rule 9). `charges` are the prices in force, `discounts`
    those that reduce this period, in the order in which they were applied: rating needs no other event.
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


class SubscriptionEnded(Event, frozen=True, kw_only=True):
    """The last period of a subscription is closed."""

    wire_name = "subscriptions.subscription.ended.v1"

    subscription_id: str
    ended_at: datetime
