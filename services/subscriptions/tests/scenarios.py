"""The customers, plans and instants of the tests of subscriptions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from services.subscriptions.subscriptions.commands import AdvanceSubscription, StartSubscription
from shared.billing.contracts.subscriptions.customers import CustomerRegistered
from shared.billing.contracts.subscriptions.plans import Charge, PlanPublished
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed, SubscriptionStarted
from shared.billing.period import Period
from shared.billing.pricing import Flat, PerUnit

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def on(month: int, day: int, hour: int = 12, year: int = 2026) -> datetime:
    """An instant in UTC, by default at noon like the anchor."""
    return datetime(year, month, day, hour, tzinfo=UTC)


FEE = Charge(key="fee", name="Fee", price=Flat(amount=Decimal("49.00")))
CALLS = Charge(key="calls", name="Calls", price=PerUnit(unit_price=Decimal("0.002")), meter_key="calls")

CUSTOMER_OF_BERLIN = CustomerRegistered(
    customer_id="cus_1", external_id="acme", currency="EUR", time_zone="Europe/Berlin", registered_at=NOON
)

PLAN_ONE = PlanPublished(
    plan_id="plan_1",
    key="pro",
    version=1,
    name="Pro",
    currency="EUR",
    interval="P1M",
    charges=(FEE, CALLS),
    published_at=NOON,
)

START = StartSubscription(
    subscription_id="sub_1",
    customer=CUSTOMER_OF_BERLIN,
    plan=PLAN_ONE,
    subject="acme",
    anchor_at=NOON,
    starts_at=NOON,
    now=NOON,
)

STARTED = SubscriptionStarted(
    subscription_id="sub_1",
    customer_id="cus_1",
    subject="acme",
    plan_id="plan_1",
    plan_version=1,
    currency="EUR",
    interval="P1M",
    charges=(FEE, CALLS),
    time_zone="Europe/Berlin",
    anchor_at=NOON,
    started_at=NOON,
    starts_at=NOON,
)


def advance(due_at: datetime, now: datetime | None = None) -> AdvanceSubscription:
    """The command that does what falls due on the scenario's subscription at an instant."""
    return AdvanceSubscription(subscription_id="sub_1", due_at=due_at, now=now or due_at)


def closed(
    index: int, start: datetime, end: datetime, full_end: datetime | None = None
) -> BillingPeriodClosed:
    """The close of a period of the scenario's subscription at its end; `full_end` where it was cut."""
    return BillingPeriodClosed(
        subscription_id="sub_1",
        customer_id="cus_1",
        subject="acme",
        plan_id="plan_1",
        plan_version=1,
        currency="EUR",
        time_zone="Europe/Berlin",
        charges=(FEE, CALLS),
        period_index=index,
        period=Period(start, end),
        full_period=Period(start, full_end or end),
        closed_at=end,
    )
