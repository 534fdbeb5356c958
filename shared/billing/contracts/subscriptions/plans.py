"""Events of plans, and the charges that they carry."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from shared.billing.entitlements import Entitlement
from shared.billing.pricing import Price, UnitConversion, sentence
from shared.billing.proration import Proration
from shared.framework.core.event import Event

AtTrialEnd = Literal["bill", "cancel", "pause"]
"""What happens to a subscription when its trial ends."""


class CurrencyPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a charge in another currency, and the bounds of what its usage comes to."""

    price: Price
    minimum: Decimal | None = None
    maximum: Decimal | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A priced part of a plan: a price, and the meter that it is applied to (None: due once a period).

    Of charges without a meter: `in_advance`: due at the start of its period, not at the end. `one_off`: due
    once, when a subscription is first billed by it. `seats`: its quantity is set on the subscription.
    `interval`: its period, a multiple of the plan's interval; None: the plan's interval.
    Of a charge of usage: `conversion` makes units of what is counted, the first `included` units of a period
    are free, and all usage of the period comes to at least `minimum` and at most `maximum` (major units),
    in this order (billing rule 6). `currency_prices`: prices in other currencies than the plan's.
    """

    key: str
    name: str
    price: Price
    meter_key: str | None = None
    in_advance: bool = False
    one_off: bool = False
    seats: bool = False
    interval: str | None = None
    included: Decimal = Decimal(0)
    conversion: UnitConversion | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    currency_prices: dict[str, CurrencyPrice] = msgspec.field(default_factory=dict)

    @property
    def is_rated_by_period(self) -> bool:
        """Whether it is priced for each billing period as a whole, and not billed by items."""
        return not (self.in_advance or self.one_off or self.seats or self.interval)

    def priced_in(self, currency: str) -> "Charge":
        """The charge with its price in one currency, by default that of the plan, and no others."""
        other = self.currency_prices.get(currency)
        if other is None:
            return msgspec.structs.replace(self, currency_prices={})
        return msgspec.structs.replace(
            self, price=other.price, minimum=other.minimum, maximum=other.maximum, currency_prices={}
        )

    def sentence(self, currency: str) -> str:
        """The price and its terms in plain words, for a catalog page and an invoice line."""
        return sentence(self.price, self, currency)


class PlanPublished(Event, frozen=True, kw_only=True):
    """A version of a plan was published; its charges never change, another price is another version.

    `shares_usage`: its subscriptions may bill usage that other subscriptions bill too. `proration`: how a
    part of a period is billed: by day, by second, or in full (billing rule 9). `trial`: the time, as an ISO
    8601 duration, that a new subscription is free; `at_trial_end`: what happens then. `entitlements`:
    what its subscriptions may use.
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
    entitlements: tuple[Entitlement, ...] = ()

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies in which every charge has a price."""
        others = [frozenset(charge.currency_prices) for charge in self.charges]
        return frozenset.intersection(*others) | {self.currency} if others else frozenset({self.currency})

    def charges_in(self, currency: str) -> tuple[Charge, ...]:
        """The charges with their prices in one of `currencies`."""
        return tuple(charge.priced_in(currency) for charge in self.charges)
