"""Events of plans, and the charges that they carry."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.billing.pricing import Price
from shared.billing.proration import Proration
from shared.framework.core.event import Event

AtTrialEnd = Literal["bill", "cancel", "pause"]
"""What happens to a subscription when its trial ends."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A priced part of a plan: a price, and the meter that it is applied to (None: due once a period).

    The other fields are of charges without a meter. `in_advance`: due at the start of its period, not at the
    end. `one_off`: due once, when a subscription is first billed by it. `seats`: its quantity is set on the
    subscription. `interval`: its period, a multiple of the plan's interval; None: the plan's interval.
    """

    key: str
    name: str
    price: Price
    meter_key: str | None = None
    in_advance: bool = False
    one_off: bool = False
    seats: bool = False
    interval: str | None = None

    @property
    def is_rated_by_period(self) -> bool:
        """Whether it is priced for each billing period as a whole, and not billed by items."""
        return not (self.in_advance or self.one_off or self.seats or self.interval)


class PlanPublished(Event, frozen=True, kw_only=True):
    """A version of a plan was published; its charges never change, another price is another version.

    `shares_usage`: its subscriptions may bill usage that other subscriptions bill too. `proration`: how a
    part of a period is billed: by day, by second, or in full (billing rule 9). `trial`: the time, as an ISO
    8601 duration, that a new subscription is free; `at_trial_end`: what happens then.
    """

    wire_name = "subscriptions.plan.published.v1"

    plan_id: str
    key: str
    version: int
    name: str
    currency: str
    interval: str
    charges: tuple[Charge, ...]
    published_at: datetime
    shares_usage: bool = False
    proration: Proration = "day"
    trial: str | None = None
    at_trial_end: AtTrialEnd = "bill"
