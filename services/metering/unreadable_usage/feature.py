"""The unreadable usage feature of the metering service."""

from functools import partial

from services.metering.backfills.backfill import MeterBackfill
from services.metering.unreadable_usage.ports import UnreadableUsage
from services.metering.unreadable_usage.publisher import UnreadableUsagePublisher
from services.metering.unreadable_usage.routes import unreadable_usage_router
from shared.framework.process.feature import Feature
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.periodic_task import repeat


def unreadable_usage(
    backfill: MeterBackfill,
    unreadable: UnreadableUsage,
    publisher: UnreadableUsagePublisher,
    sleeper: Sleeper,
    pause_s: float,
) -> Feature:
    """The route of the list, and a task that publishes counts; its pending work is the number of them."""
    run = partial(repeat, "unreadable usage", publisher.step, sleeper, pause_s)
    return Feature(
        routers=[unreadable_usage_router(backfill, unreadable)],
        tasks={"unreadable_usage": run},
        pending_work=unreadable.unpublished_count,
    )
