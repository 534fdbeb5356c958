"""Composition root of the read side: `python -m projections.main`."""

from collections.abc import Awaitable, Callable, Sequence

from projections.api.endpoint import graphql_routes
from projections.api.history_routes import history_routes
from projections.api.schema import build_schema
from projections.engine.cache.cached_row_store import CachedRowStore
from projections.engine.cache.key_prefix import cache_prefix
from projections.engine.cache.redis import RedisCache
from projections.engine.postgres.build_tables import build_missing_tables
from projections.engine.postgres.event_archive import PostgresEventArchive
from projections.engine.postgres.freshness import PostgresFreshness
from projections.engine.postgres.row_store import PostgresRowStore, ReadPool
from projections.engine.projector import ChangeListener, Projector
from projections.engine.request_reader import ReadStores
from projections.engine.row_store import RowReader
from projections.register import READ_MODELS
from projections.settings import ProjectionsSettings
from shared.billing.contracts import CONTEXTS, CONTRACTS
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.process.run import run_process
from shared.framework.process.scraped_gauges import Measurement
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies

BATCH = 1000


async def build(tools: ServiceDependencies[ProjectionsSettings]) -> ServiceDefinition:
    """Create the missing tables, and put the stores, the projector and the routes together."""
    settings, dsn = tools.settings, tools.settings.database_url.get_secret_value()
    await build_missing_tables(dsn, READ_MODELS)
    pool, term = ReadPool(tools.pool), LeadershipTerm()
    rows, archive = PostgresRowStore(pool), PostgresEventArchive(pool)
    freshness = PostgresFreshness(pool, tools.store, tools.context)
    readers: RowReader = rows
    listener: ChangeListener | None = None
    close: Callable[[], Awaitable[None]] | None = None
    measurements: Sequence[Measurement] = ()
    if settings.redis_url is not None:
        cache = RedisCache(settings.redis_url.get_secret_value(), await cache_prefix(dsn))
        readers = cached = CachedRowStore(rows, cache, tools.sleeper, term)
        listener, close, measurements = cached.announce, cache.close, [cache.measure]
    schema = build_schema(introspection=settings.graphql_introspection)
    return ServiceDefinition(
        routers=[
            graphql_routes(schema, ReadStores(readers, archive, freshness)),
            history_routes(archive, freshness),
        ],
        subscribes_to=CONTEXTS,
        handler=Projector(READ_MODELS, rows, archive, freshness, settings.broker_partitions, listener),
        batch=BATCH,
        close=close,
        term=term,
        measurements=measurements,
    )


if __name__ == "__main__":
    run_process("projections", ProjectionsSettings, build, CONTRACTS)
