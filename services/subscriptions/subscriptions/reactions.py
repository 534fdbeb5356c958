"""Claims on usage of subscriptions that were started before there were claims, from their events."""

from services.subscriptions.subscriptions.decider import SUBSCRIPTION
from services.subscriptions.subscriptions.state import NoSubscription
from services.subscriptions.usage_claims.handlers import claim_usage, release_usage
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionStarted
from shared.framework.eventstore.records import EventRecord
from shared.framework.eventstore.unit_of_work import Session


async def on_subscription_started(session: Session, event: SubscriptionStarted, _: EventRecord) -> None:
    """Record the subscription's claim, unless its start has made it. What it overlaps stays as it is."""
    await claim_usage(session, event, started_before=True)


async def on_subscription_cancelled(session: Session, event: SubscriptionCancelled, _: EventRecord) -> None:
    """End the subscription's claim, unless its cancellation has."""
    state = await session.state(SUBSCRIPTION, event.subscription_id)
    if not isinstance(state, NoSubscription):
        await release_usage(session, state.started, event.ends_at)
