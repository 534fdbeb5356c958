"""Composition root of metering: one line per subject."""

from services.metering.backfills.backfill import MeterBackfill
from services.metering.backfills.feature import backfills
from services.metering.meters.feature import meters
from services.metering.meters.postgres import PostgresMeterRepository
from services.metering.readings.feature import readings
from services.metering.readings.timers import ReadingProcess
from services.metering.readings.usage_progress import UsageProgress
from services.metering.rollups.consumer import RollupConsumer
from services.metering.rollups.feature import rollups
from services.metering.rollups.ports import CONSUMER
from services.metering.rollups.postgres import PostgresRollups
from services.metering.settings import MeteringSettings
from services.metering.unreadable_usage.feature import unreadable_usage
from services.metering.unreadable_usage.postgres import PostgresUnreadableUsage
from services.metering.unreadable_usage.publisher import UnreadableUsagePublisher
from services.metering.usage_queries.feature import usage_queries
from services.metering.usage_totals.feature import usage_totals
from services.metering.usage_totals.publisher import UsageTotalsPublisher
from shared.billing.contracts import CONTRACTS
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies


async def build(tools: ServiceDependencies[MeteringSettings]) -> ServiceDefinition:
    """The metering service."""
    settings, sleeper, partitions = tools.settings, tools.sleeper, tools.settings.broker_partitions
    repository, store = PostgresMeterRepository(tools.pool), PostgresRollups(tools.pool)
    progress = UsageProgress(
        tools.store, tools.feeds, sleeper, partitions, settings.metering_reading_timeout_s
    )
    process = ReadingProcess(repository, store, progress, partitions, settings.metering_grace)
    publisher = UsageTotalsPublisher(tools.store, store, repository, tools.clock, tools.ids)
    backfill = MeterBackfill(tools.store, repository, store, tools.feeds, sleeper, partitions)
    unreadable = PostgresUnreadableUsage(tools.pool)
    alerts = UnreadableUsagePublisher(tools.store, unreadable, tools.clock, tools.ids)
    return ServiceDefinition.of(
        meters(repository),
        rollups(RollupConsumer(repository, store)),
        usage_queries(backfill, store),
        usage_totals(publisher, sleeper, settings.metering_publish_interval_s),
        unreadable_usage(backfill, unreadable, alerts, sleeper, settings.metering_publish_interval_s),
        backfills(backfill, sleeper, settings.metering_backfill_interval_s),
        readings(process),
        clock=tools.clock,
        consumer=CONSUMER,
        batch=settings.metering_batch_messages_max,
    )


if __name__ == "__main__":
    run_process("metering", MeteringSettings, build, CONTRACTS)
