"""A subscription's life in a test: commands at instants, with all that falls due done at its instant."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.subscriptions.subscriptions.commands import (
    AdvanceSubscription,
    CancelAt,
    CancelSubscription,
    ChangeAt,
    ChangeSubscription,
    StartSubscription,
    SubscriptionCommand,
    WithdrawCancellation,
    WithdrawChange,
)
from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.due import next_due
from services.subscriptions.subscriptions.state import Subscription, SubscriptionEvent
from services.subscriptions.tests.scenarios import NOON, START
from shared.billing.contracts.subscriptions.billing_items import BillingItem
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, ChargesDue
from shared.billing.pricing import Flat, PerUnit

ADVANCE = Charge(key="base", name="Base", price=Flat(amount=Decimal("31.00")), in_advance=True)
SEATS = Charge(
    key="seats", name="Seats", price=PerUnit(unit_price=Decimal("10.00")), in_advance=True, seats=True
)
DESKS = Charge(key="desks", name="Desks", price=PerUnit(unit_price=Decimal("5.00")), seats=True)
YEARLY = Charge(
    key="support", name="Support", price=Flat(amount=Decimal("365.00")), in_advance=True, interval="P1Y"
)
SETUP = Charge(key="setup", name="Set-up", price=Flat(amount=Decimal("99.00")), one_off=True)


def plan_of(*charges: Charge, **changes: Any) -> PlanPublished:
    """A monthly plan in euros with these charges."""
    fields: dict[str, Any] = {
        "plan_id": "plan_1", "key": "pro", "version": 1, "name": "Pro", "currency": "EUR",
        "interval": "P1M", "charges": charges, "published_at": NOON,
    }  # fmt: skip
    return PlanPublished(**fields | changes)


@dataclass(slots=True)
class Life:
    """The history of one subscription; its clock stands at `now`."""

    now: datetime
    history: list[SubscriptionEvent] = field(default_factory=list)
    changes: int = 0

    @property
    def state(self) -> Subscription:
        """The state now."""
        return SUBSCRIPTION.fold(self.history)

    def send(self, command: SubscriptionCommand) -> list[SubscriptionEvent]:
        """Handle a command; returns its events."""
        events = list(SUBSCRIPTION.decide(self.state, command))
        self.history += events
        return events

    def move(self, to: datetime) -> list[SubscriptionEvent]:
        """Do everything that falls due by an instant, each at its own; returns the events."""
        events = []
        while (due_at := next_due(self.state)) is not None and due_at <= to:
            command = AdvanceSubscription(subscription_id="sub_1", due_at=due_at, now=due_at)
            done = self.send(command)
            assert done, f"nothing happened at {due_at}"
            events += done
        self.now = to
        return events

    def start(self, plan: PlanPublished, **changes: Any) -> list[SubscriptionEvent]:
        """Start it now."""
        fields: dict[str, Any] = {
            "plan": plan,
            "anchor_at": self.now,
            "starts_at": self.now,
            "now": self.now,
        } | changes
        known: dict[str, Any] = {
            name: getattr(START, name) for name in ("subscription_id", "customer", "subject")
        }
        return self.send(StartSubscription(**known, **fields))

    def change(
        self, *, kind: Any = "terms", at: ChangeAt = ChangeAt.NOW, **fields: Any
    ) -> list[SubscriptionEvent]:
        """Change it."""
        self.changes += 1
        command = ChangeSubscription(
            subscription_id="sub_1", change_id=f"chg_{self.changes}", kind=kind, at=at, now=self.now, **fields
        )
        return self.send(command)

    def cancel(self, at: CancelAt = CancelAt.NOW, **fields: Any) -> list[SubscriptionEvent]:
        """Cancel it."""
        return self.send(CancelSubscription(subscription_id="sub_1", at=at, now=self.now, **fields))

    def reactivate(self) -> list[SubscriptionEvent]:
        """Withdraw its cancellation."""
        return self.send(WithdrawCancellation(subscription_id="sub_1", now=self.now))

    def withdraw(self, change_id: str) -> list[SubscriptionEvent]:
        """Withdraw a scheduled change."""
        return self.send(WithdrawChange(subscription_id="sub_1", change_id=change_id, now=self.now))

    @property
    def items(self) -> list[BillingItem]:
        """All items that were due so far."""
        return items_of(self.history)


def items_of(events: list[SubscriptionEvent]) -> list[BillingItem]:
    """The items of these events."""
    return [
        item
        for event in events
        if isinstance(event, BillingPeriodClosed | ChargesDue)
        for item in event.items
    ]
