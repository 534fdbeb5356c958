"""The backfills feature of the metering service."""

from functools import partial

from services.metering.backfills.backfill import MeterBackfill
from shared.framework.process.feature import Feature
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.periodic_task import repeat


def backfills(backfill: MeterBackfill, sleeper: Sleeper, pause_s: float) -> Feature:
    """A task that counts the past of new meters; its pending work is the number of them."""

    async def pending_count() -> int:
        return len(await backfill.pending())

    run = partial(repeat, "backfill", backfill.step, sleeper, pause_s)
    return Feature(tasks={"backfill": run}, pending_work=pending_count)
