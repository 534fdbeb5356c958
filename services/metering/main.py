"""Metering's composition root: the only file here that knows all the others."""

from functools import partial

from services.metering.backfills.backfill import Backfill
from services.metering.meters.postgres import PostgresMeterBook
from services.metering.meters.routes import meters_router
from services.metering.readings.timers import PURPOSE, Readings
from services.metering.readings.usage_progress import InboxProgress
from services.metering.rollups.consumer import UsageFolder
from services.metering.rollups.ports import CONSUMER
from services.metering.rollups.postgres import PostgresRollups
from services.metering.settings import MeteringSettings
from services.metering.usage_queries.routes import usage_router
from services.metering.usage_totals.publisher import Telling
from shared.billing.contracts.subscriptions.subscriptions import BillingPeriodClosed
from shared.framework.messaging.periodic_task import repeat
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools
from shared.framework.process.timers import TimerAction


async def build(tools: Tools[MeteringSettings]) -> Service:
    """Put metering together."""
    settings, partitions = tools.settings, tools.settings.broker_partitions
    book, rollups = PostgresMeterBook(tools.pool), PostgresRollups(tools.pool)
    patience_s = settings.metering_patience_s
    progress = InboxProgress(tools.store, tools.feeds, tools.sleeper, partitions, patience_s)
    return Service.of(
        Feature(routers=[meters_router(book), usage_router(book, rollups, partitions)]),
        Feature(subscribes_to=["ingest"], handler=UsageFolder(book, rollups)),
        _readings(Readings(book, rollups, progress, partitions, settings.metering_grace)),
        _usage_totals(tools, Telling(tools.store, rollups, book, tools.clock, tools.ids)),
        _backfills(tools, Backfill(tools.store, book, rollups, tools.feeds, partitions)),
        clock=tools.clock,
        consumer=CONSUMER,
        batch=settings.metering_batch,
    )


def _readings(readings: Readings) -> Feature:
    return Feature(
        subscribes_to=["subscriptions"],
        reactors={BillingPeriodClosed: readings.on_billing_period_closed},
        timers={PURPOSE: TimerAction(decide=readings.take, before=readings.read)},
    )


def _usage_totals(tools: Tools[MeteringSettings], telling: Telling) -> Feature:
    pause_s = tools.settings.metering_telling_pause_s
    run = partial(repeat, "telling", telling.step, tools.sleeper, pause_s)
    return Feature(tasks={"teller": run}, pending_work=telling.rollups.untold)


def _backfills(tools: Tools[MeteringSettings], backfill: Backfill) -> Feature:
    async def pending() -> int:
        return len(await backfill.behind())

    pause_s = tools.settings.metering_backfill_pause_s
    run = partial(repeat, "backfill", backfill.advance, tools.sleeper, pause_s)
    return Feature(tasks={"backfill": run}, pending_work=pending)


if __name__ == "__main__":
    run_process("metering", MeteringSettings, build)
