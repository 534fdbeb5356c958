"""The usage totals feature of the metering service."""

from functools import partial

from services.metering.usage_totals.publisher import UsageTotalsPublisher
from shared.framework.process.feature import Feature
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.periodic_task import repeat


def usage_totals(publisher: UsageTotalsPublisher, sleeper: Sleeper, pause_s: float) -> Feature:
    """A task that publishes changed days; its pending work is the number of them."""
    run = partial(repeat, "usage totals", publisher.step, sleeper, pause_s)
    return Feature(tasks={"usage_totals": run}, pending_work=publisher.rollups.unpublished_count)
