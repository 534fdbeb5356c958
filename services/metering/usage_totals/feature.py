"""What usage totals add to the metering service."""

from functools import partial

from services.metering.usage_totals.publisher import UsageTotalsPublisher
from shared.framework.process.feature import Feature
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.periodic_task import repeat


def usage_totals(publisher: UsageTotalsPublisher, sleeper: Sleeper, pause_s: float) -> Feature:
    """The feature: a task that publishes changed days every `pause_s` seconds."""
    run = partial(repeat, "telling", publisher.step, sleeper, pause_s)
    return Feature(tasks={"teller": run}, pending_work=publisher.rollups.unpublished_count)
