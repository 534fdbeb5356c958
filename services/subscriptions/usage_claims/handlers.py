"""The claims that a subscription's start and end make, in the same transaction."""

from services.subscriptions.usage_claims.decider import (
    USAGE_CLAIMS,
    ClaimUsage,
    ReleaseUsage,
    usage_claims_id,
)
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionCancelled, SubscriptionStarted
from shared.framework.eventstore.unit_of_work import Session


async def claim_usage(session: Session, terms: SubscriptionStarted, *, started_before: bool = False) -> None:
    """Claim the usage of a subscription's meters, unless its plan shares usage.

    Raises UsageIsBilledAlready.
    """
    if terms.shares_usage:
        return
    command = ClaimUsage(
        subject=terms.subject,
        meter_keys=frozenset(charge.meter_key for charge in terms.charges if charge.meter_key is not None),
        subscription_id=terms.subscription_id,
        customer_id=terms.customer_id,
        starts_at=terms.billed_from,
        now=session.now,
        started_before=started_before,
    )
    await session.handle(USAGE_CLAIMS, usage_claims_id(session.tenant_id, terms.subject), command)


async def release_usage(
    session: Session, terms: SubscriptionStarted, cancelled: SubscriptionCancelled
) -> None:
    """End the claim of a subscription where its cancellation ends it."""
    command = ReleaseUsage(
        subject=terms.subject,
        subscription_id=terms.subscription_id,
        ends_at=cancelled.ends_at,
        now=session.now,
    )
    await session.handle(USAGE_CLAIMS, usage_claims_id(session.tenant_id, terms.subject), command)
