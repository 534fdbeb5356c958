"""Ingest's composition root: the only file here that knows all the others."""

from services.ingest.adapters.postgres_log import PostgresUsageLog
from services.ingest.adapters.writer import Load, UsageWriter
from services.ingest.api.hot import EVENTS_PATH, EventsRoute
from services.ingest.api.routes import usage_router
from services.ingest.application.acceptance import Acceptance
from services.ingest.settings import IngestSettings
from shared.process.blueprint import Service, Tools
from shared.process.feature import Feature
from shared.process.run import run_process


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
