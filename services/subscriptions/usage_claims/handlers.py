"""The claims that a subscription's start and end make, in the same transaction."""

from collections.abc import Iterable
from datetime import datetime

from services.subscriptions.usage_claims.decider import (
    USAGE_CLAIMS,
    ClaimUsage,
    ReleaseUsage,
    usage_claims_id,
)
from shared.billing.contracts.subscriptions.plans import Charge
from shared.billing.contracts.subscriptions.subscriptions import SubscriptionChanged, SubscriptionStarted
from shared.framework.eventstore.unit_of_work import Session


async def claim_usage(
    session: Session,
    terms: SubscriptionStarted,
    *,
    started_before: bool = False,
    again_from: datetime | None = None,
) -> None:
    """Claim the usage of a subscription's meters, unless its plan shares usage.

    `again_from`: the claim ended, and goes on from this instant. Raises UsageIsBilledAlready.
    """
    if not terms.shares_usage:
        starts_at = again_from or terms.billed_from
        await _claim(session, terms, terms.charges, starts_at, started_before=started_before)


async def claim_more_usage(
    session: Session, started: SubscriptionStarted, changed: SubscriptionChanged
) -> None:
    """Claim the usage of the meters that a subscription bills after a change and did not before.

    Raises UsageIsBilledAlready.
    """
    if not started.shares_usage:
        await _claim(session, started, changed.charges, changed.effective_at)


async def release_usage(session: Session, terms: SubscriptionStarted, ends_at: datetime) -> None:
    """End the claim of a subscription where it ends."""
    command = ReleaseUsage(
        subject=terms.subject,
        subscription_id=terms.subscription_id,
        ends_at=ends_at,
        now=session.now,
    )
    await session.handle(USAGE_CLAIMS, usage_claims_id(session.tenant_id, terms.subject), command)


async def _claim(
    session: Session,
    terms: SubscriptionStarted,
    charges: Iterable[Charge],
    starts_at: datetime,
    *,
    started_before: bool = False,
) -> None:
    command = ClaimUsage(
        subject=terms.subject,
        meter_keys=frozenset(charge.meter_key for charge in charges if charge.meter_key is not None),
        subscription_id=terms.subscription_id,
        customer_id=terms.customer_id,
        starts_at=starts_at,
        now=session.now,
        started_before=started_before,
    )
    await session.handle(USAGE_CLAIMS, usage_claims_id(session.tenant_id, terms.subject), command)
