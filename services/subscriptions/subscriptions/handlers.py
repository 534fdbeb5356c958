"""Commands on subscriptions, and the timers of their periods' ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.subscriptions.customers.decider import CUSTOMER, CustomerIsUnknown, registered
from services.subscriptions.plans.decider import PLAN, plan_id_of
from services.subscriptions.subscriptions.decider import (
    SUBSCRIPTION,
    Active,
    Ended,
    NoSubscription,
    StartSubscription,
    SubscriptionCommand,
)
from services.subscriptions.subscriptions.refusals import SubscriptionIsUnknown
from services.subscriptions.usage_claims.handlers import claim_usage, release_usage
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionStarted
from shared.framework.core.event import Event
from shared.framework.core.ids import derived_id, has_prefix
from shared.framework.eventstore.unit_of_work import Session

CLOSE_PERIOD = "close-billing-period"
"""The purpose of the timers that end periods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeCustomer:
    """Start a subscription: by default to the newest plan version, from now on, for the external id.

    The anchor is the start unless another one is given.
    """

    subscription_id: str
    customer_id: str
    plan_key: str
    plan_version: int | None = None
    anchor_at: datetime | None = None
    starts_at: datetime | None = None
    subject: str | None = None
    now: datetime


async def start_subscription(session: Session, command: SubscribeCustomer) -> Active | Ended:
    """Start a subscription of a customer to a plan version.

    Raises CustomerIsUnknown, PlanIsUnknown and UsageIsBilledAlready.
    """
    if not has_prefix("cus", command.customer_id):
        raise CustomerIsUnknown(command.customer_id)
    customer = registered(command.customer_id, await session.state(CUSTOMER, command.customer_id))
    plan = await session.state(PLAN, plan_id_of(session.tenant_id, command.plan_key))
    starts_at = command.starts_at or command.now
    start = StartSubscription(
        subscription_id=command.subscription_id,
        customer=customer,
        plan=plan.version(command.plan_version),
        subject=command.subject or customer.external_id,
        anchor_at=command.anchor_at or starts_at,
        starts_at=starts_at,
        now=command.now,
    )
    return await handle_and_schedule(session, start)


async def handle_and_schedule(session: Session, command: SubscriptionCommand) -> Active | Ended:
    """Handle a command, move the claim on usage, and schedule the end of the period that is closed next.

    Returns the new state. Raises SubscriptionIsUnknown and UsageIsBilledAlready.
    """
    if not has_prefix("sub", command.subscription_id):
        raise SubscriptionIsUnknown(command.subscription_id)
    events = await session.handle(SUBSCRIPTION, command.subscription_id, command)
    state = await session.state(SUBSCRIPTION, command.subscription_id)
    if isinstance(state, NoSubscription):
        raise SubscriptionIsUnknown(command.subscription_id)
    await _move_claim(session, state.terms, events)
    if events and isinstance(state, Active):
        _schedule_period_close(session, state)
    return state


async def _move_claim(session: Session, terms: SubscriptionStarted, events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case SubscriptionStarted():
                await claim_usage(session, terms)
            case SubscriptionCancelled():
                await release_usage(session, terms, event)


async def resume(session: Session, subscription_id: str) -> None:
    """Schedule the end of the open period of a subscription that was put back."""
    state = await session.state(SUBSCRIPTION, subscription_id)
    if isinstance(state, Active):
        _schedule_period_close(session, state)


def _schedule_period_close(session: Session, state: Active) -> None:
    if (due := state.open_period) is None:
        return
    subscription_id, ends_at = state.terms.subscription_id, due.period.end
    # The end is part of the id: a cut period has an end of its own, and its old timer finds nothing to do.
    timer_id = derived_id("tmr", subscription_id, str(due.index), ends_at.isoformat(), CLOSE_PERIOD)
    payload = {"subscription_id": subscription_id, "period_index": due.index}
    session.schedule(timer_id, ends_at, CLOSE_PERIOD, payload)
