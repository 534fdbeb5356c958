"""The terms of a subscription: what is billed from an instant on, by which calendar and prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Self

from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import (
    ScheduledChange,
    SeatsChanged,
    SubscriptionChanged,
    SubscriptionStarted,
)
from shared.billing.proration import Proration


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a subscription is billed by; `since`: the start of the stretch that is billed by these terms.

    Periods are counted from `anchor_at`; the one in which `since` lies begins there. `seats_since`: by charge
    key, since when a quantity that was changed within a period holds. `revision` counts all changes.
    """

    subscription_id: str
    customer_id: str
    subject: str
    plan_id: str
    plan_version: int
    currency: str
    interval: str
    charges: tuple[Charge, ...]
    quantities: Mapping[str, Decimal]
    proration: Proration
    time_zone: str
    anchor_at: datetime
    since: datetime
    seats_since: Mapping[str, datetime] = field(default_factory=dict)
    revision: int = 0

    @classmethod
    def of(cls, started: SubscriptionStarted) -> Self:
        """The terms of the start."""
        return cls(
            subscription_id=started.subscription_id,
            customer_id=started.customer_id,
            subject=started.subject,
            plan_id=started.plan_id,
            plan_version=started.plan_version,
            currency=started.currency,
            interval=started.interval,
            charges=started.charges,
            quantities=started.quantities,
            proration=started.proration,
            time_zone=started.time_zone,
            anchor_at=started.anchor_at,
            since=started.billed_from,
        )

    def changed(self, event: SubscriptionChanged) -> "Terms":
        """The terms after a change."""
        return replace(
            self,
            plan_id=event.plan_id,
            plan_version=event.plan_version,
            interval=event.interval,
            charges=event.charges,
            quantities=event.quantities,
            proration=event.proration,
            anchor_at=event.anchor_at,
            since=event.effective_at,
            seats_since={},
            revision=self.revision + 1,
        )

    def with_seats(self, event: SeatsChanged) -> "Terms":
        """The terms after the quantity of one charge was changed within a period."""
        return replace(
            self,
            quantities={**self.quantities, event.charge_key: event.quantity},
            seats_since={**self.seats_since, event.charge_key: event.effective_at},
            revision=self.revision + 1,
        )

    def begun(self, at: datetime) -> "Terms":
        """The same terms from `at` on, after time that is not billed."""
        return replace(self, since=at, seats_since={}, revision=self.revision + 1)

    def after(self, change: ScheduledChange) -> "Terms":
        """The terms after a scheduled change to other terms, which takes effect at its instant.

        Another interval counts its periods from that instant; else the anchor stays.
        """
        interval = change.interval or self.interval
        return replace(
            self,
            plan_id=change.plan_id or self.plan_id,
            plan_version=change.plan_version or self.plan_version,
            interval=interval,
            charges=self.charges if change.charges is None else change.charges,
            quantities={**self.quantities, **change.quantities},
            proration=change.proration or self.proration,
            anchor_at=self.anchor_at if interval == self.interval else change.at,
            since=change.at,
            seats_since={},
            revision=self.revision + 1,
        )

    def quantity(self, charge: Charge) -> Decimal:
        """How often a charge without a meter is due each period: its seats, or once."""
        return self.quantities.get(charge.key, Decimal(1))
