"""Composition root of metering: one line per subject."""

from services.metering.backfills.backfill import Backfill
from services.metering.backfills.feature import backfills
from services.metering.meters.feature import meters
from services.metering.meters.postgres import PostgresMeterBook
from services.metering.readings.feature import readings
from services.metering.readings.timers import Readings
from services.metering.readings.usage_progress import InboxProgress
from services.metering.rollups.consumer import UsageFolder
from services.metering.rollups.feature import rollups
from services.metering.rollups.ports import CONSUMER
from services.metering.rollups.postgres import PostgresRollups
from services.metering.settings import MeteringSettings
from services.metering.usage_queries.feature import usage_queries
from services.metering.usage_totals.feature import usage_totals
from services.metering.usage_totals.publisher import Telling
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools


async def build(tools: Tools[MeteringSettings]) -> Service:
    """The metering service."""
    settings, sleeper, partitions = tools.settings, tools.sleeper, tools.settings.broker_partitions
    book, store = PostgresMeterBook(tools.pool), PostgresRollups(tools.pool)
    progress = InboxProgress(tools.store, tools.feeds, sleeper, partitions, settings.metering_patience_s)
    process = Readings(book, store, progress, partitions, settings.metering_grace)
    publisher = Telling(tools.store, store, book, tools.clock, tools.ids)
    backfill = Backfill(tools.store, book, store, tools.feeds, partitions)
    return Service.of(
        meters(book),
        rollups(UsageFolder(book, store)),
        usage_queries(book, store, partitions),
        usage_totals(publisher, sleeper, settings.metering_telling_pause_s),
        backfills(backfill, sleeper, settings.metering_backfill_pause_s),
        readings(process),
        clock=tools.clock,
        consumer=CONSUMER,
        batch=settings.metering_batch,
    )


if __name__ == "__main__":
    run_process("metering", MeteringSettings, build)
