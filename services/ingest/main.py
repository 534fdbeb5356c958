"""Composition root of ingest: one line per subject."""

from services.ingest.acceptance.feature import acceptance
from services.ingest.acceptance.group_commit import Load, UsageWriter
from services.ingest.acceptance.handlers import Acceptance
from services.ingest.acceptance.postgres import PostgresUsageLog
from services.ingest.rejected_events.feature import rejected_events
from services.ingest.settings import IngestSettings
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools


async def build(tools: Tools[IngestSettings]) -> Service:
    """The ingest service."""
    settings = tools.settings
    log = PostgresUsageLog(tools.pool)
    accepting = Acceptance(tools.store, log, tools.clock, tools.ids, settings.broker_partitions)
    writer = UsageWriter(
        accepting.accept,
        transaction_max=Load(settings.ingest_transaction_events_max, settings.ingest_transaction_bytes_max),
        waiting_max=Load(settings.ingest_waiting_events_max, settings.ingest_waiting_bytes_max),
    )
    return Service.of(
        acceptance(writer),
        rejected_events(log),
        clock=tools.clock,
    )


if __name__ == "__main__":
    run_process("ingest", IngestSettings, build)
