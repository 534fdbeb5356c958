"""Composition root of ingest: one line per subject."""

from services.ingest.acceptance.feature import acceptance
from services.ingest.acceptance.group_commit import BatchSize, GroupCommitWriter
from services.ingest.acceptance.handlers import BatchResumption, UsageAcceptance
from services.ingest.acceptance.postgres import PostgresDeduplicationStore
from services.ingest.metered_types.feature import metered_types
from services.ingest.metered_types.postgres import PostgresMeteredTypes
from services.ingest.rejected_events.feature import rejected_events
from services.ingest.settings import IngestSettings
from shared.billing.contracts import CONTRACTS
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies


async def build(tools: ServiceDependencies[IngestSettings]) -> ServiceDefinition:
    """The ingest service."""
    settings = tools.settings
    deduplication = PostgresDeduplicationStore(tools.pool)
    types = PostgresMeteredTypes(tools.pool)
    usage = UsageAcceptance(
        tools.store, deduplication, types, tools.clock, tools.ids, settings.broker_partitions
    )
    writer = GroupCommitWriter(
        usage.accept,
        transaction_max=BatchSize(
            settings.ingest_transaction_events_max, settings.ingest_transaction_bytes_max
        ),
        waiting_max=BatchSize(settings.ingest_queue_events_max, settings.ingest_queue_bytes_max),
    )
    return ServiceDefinition.of(
        acceptance(writer, BatchResumption(deduplication)),
        rejected_events(deduplication),
        metered_types(types),
        clock=tools.clock,
    )


if __name__ == "__main__":
    run_process("ingest", IngestSettings, build, CONTRACTS)
