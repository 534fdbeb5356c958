"""Metering's composition root: the only file here that knows all the others."""

from functools import partial

from services.metering.adapters.postgres_book import PostgresMeterBook
from services.metering.adapters.postgres_rollups import PostgresRollups
from services.metering.adapters.progress import InboxProgress
from services.metering.api.routes import meters_router, usage_router
from services.metering.application.backfilling import Backfill
from services.metering.application.folding import UsageFolder
from services.metering.application.ports import CONSUMER
from services.metering.application.readings import PURPOSE, Readings
from services.metering.application.telling import Telling
from services.metering.settings import MeteringSettings
from shared.contracts.subscriptions import BillingPeriodClosed
from shared.messaging.handlers import by_context, reactions
from shared.messaging.periodic_task import repeat
from shared.process.blueprint import Service, Tools
from shared.process.run import run_process
from shared.process.timers import TimerAction


async def build(tools: Tools[MeteringSettings]) -> Service:
    """Put metering together: fold usage, take readings, tell changed days."""
    settings = tools.settings
    partitions = settings.broker_partitions
    book, rollups = PostgresMeterBook(tools.pool), PostgresRollups(tools.pool)
    progress = InboxProgress(
        tools.store, tools.feeds, tools.sleeper, partitions, settings.metering_patience_s
    )
    readings = Readings(book, rollups, progress, partitions, settings.metering_grace)
    telling = Telling(tools.store, rollups, book, tools.clock, tools.ids)
    backfill = Backfill(tools.store, book, rollups, tools.feeds, partitions)
    closings = reactions({BillingPeriodClosed: readings.on_billing_period_closed}, tools.clock)

    async def busy() -> int:
        return await rollups.untold() + len(await backfill.behind())

    return Service(
        routers=[meters_router(book), usage_router(book, rollups, partitions)],
        hears=["ingest", "subscriptions"],
        handler=by_context({"ingest": UsageFolder(book, rollups), "subscriptions": closings}),
        consumer=CONSUMER,
        batch=settings.metering_batch,
        timers={PURPOSE: TimerAction(decide=readings.take, before=readings.read)},
        tasks={
            "teller": partial(
                repeat, "telling", telling.step, tools.sleeper, settings.metering_telling_pause_s
            ),
            "backfill": partial(
                repeat, "backfill", backfill.advance, tools.sleeper, settings.metering_backfill_pause_s
            ),
        },
        busy=busy,
    )


if __name__ == "__main__":
    run_process("metering", MeteringSettings, build)
