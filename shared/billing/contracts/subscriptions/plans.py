"""Events of plans, and the charges that they carry."""

from datetime import datetime

import msgspec

from shared.billing.pricing import Price
from shared.framework.core.event import Event


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A priced part of a plan: a price, and the meter that it is applied to (None: due once a period)."""

    key: str
    name: str
    price: Price
    meter_key: str | None = None


class PlanPublished(Event, frozen=True, kw_only=True):
    """A version of a plan was published; its charges never change, another price is another version.

    `shares_usage`: its subscriptions may bill usage that other subscriptions bill too.
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
