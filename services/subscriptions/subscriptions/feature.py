"""What the subject subscriptions adds to the subscriptions service."""

from functools import partial

from services.subscriptions.subscriptions.backfill import UsageClaimBackfill
from services.subscriptions.subscriptions.handlers import resume
from services.subscriptions.subscriptions.routes import subscription_reads, subscriptions_router
from services.subscriptions.subscriptions.timers import TIMERS
from shared.framework.process.feature import Feature
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.periodic_task import repeat

BACKFILL_INTERVAL_S = 10.0

SUBSCRIPTIONS = Feature(
    routers=[subscriptions_router(), subscription_reads()], timers=TIMERS, resume={"sub": resume}
)


def usage_claim_backfill(backfill: UsageClaimBackfill, sleeper: Sleeper) -> Feature:
    """A task that goes on with the backfill of claims while the process serves."""
    run = partial(repeat, "usage claims", backfill.step, sleeper, BACKFILL_INTERVAL_S)
    return Feature(tasks={"usage_claims": run})
