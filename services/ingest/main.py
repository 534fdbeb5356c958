"""Ingest's composition root: the only file here that knows all the others."""

from services.ingest.acceptance.group_commit import Load, UsageWriter
from services.ingest.acceptance.handlers import Acceptance
from services.ingest.acceptance.postgres import PostgresUsageLog
from services.ingest.acceptance.routes import EVENTS_PATH, EventsRoute
from services.ingest.rejected_events.routes import usage_router
from services.ingest.settings import IngestSettings
from shared.framework.process.feature import Feature
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Tools


async def build(tools: Tools[IngestSettings]) -> Service:
    """Put ingest together: it hears subscriptions for the tenants' test clocks, and nothing else."""
    settings = tools.settings
    log = PostgresUsageLog(tools.pool)
    acceptance = Acceptance(tools.store, log, tools.clock, tools.ids, settings.broker_partitions)
    writer = UsageWriter(
        acceptance.accept,
        transaction_max=Load(settings.ingest_transaction_events_max, settings.ingest_transaction_bytes_max),
        waiting_max=Load(settings.ingest_waiting_events_max, settings.ingest_waiting_bytes_max),
    )
    events = EventsRoute(writer.submit)
    acceptance_feature = Feature(
        routers=[usage_router(events, log)],
        raw_routes={EVENTS_PATH: events},
        subscribes_to=["subscriptions"],
        tasks={"writer": writer.run},
    )
    return Service.of(acceptance_feature, clock=tools.clock)


if __name__ == "__main__":
    run_process("ingest", IngestSettings, build)
