"""The read side's process: `python -m projections.main`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from projections.api.endpoint import graphql_routes
from projections.api.history_routes import history_routes
from projections.api.schema import build_schema
from projections.engine.cache.cached_row_store import CachedRowStore
from projections.engine.cache.key_prefix import balances_prefix
from projections.engine.cache.redis import RedisCache
from projections.engine.cache.row_cache import RowCache
from projections.engine.postgres.event_archive import PostgresEventArchive
from projections.engine.postgres.freshness import PostgresFreshness
from projections.engine.postgres.prepare import build_missing_tables
from projections.engine.postgres.read_pool import ReadPool
from projections.engine.postgres.row_store import PostgresRowStore
from projections.engine.projector import ChangeListener, Projector, no_listener
from projections.engine.request_reader import ReadStores
from projections.engine.row_store import RowStore
from projections.read_models.balances.projection import BALANCES
from projections.register import READ_MODELS
from projections.settings import ProjectionsSettings
from shared.billing.contracts import CONTEXTS, CONTRACTS
from shared.framework.leadership.port import LeadershipTerm
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies, Task

BATCH = 1000


@dataclass(frozen=True, slots=True)
class ReadSide:
    """What readers are served from, and what keeps it warm."""

    rows: RowStore
    tell: ChangeListener = no_listener
    tasks: tuple[tuple[str, Task], ...] = ()
    busy: Callable[[], Awaitable[int]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    term: LeadershipTerm = field(default_factory=LeadershipTerm)


async def build(tools: ServiceDependencies[ProjectionsSettings]) -> ServiceDefinition:
    """Put the read side together."""
    await build_missing_tables(tools.settings.database_url.get_secret_value(), READ_MODELS)
    pool = ReadPool(tools.pool)
    truth, history = PostgresRowStore(pool), PostgresEventArchive(pool)
    freshness = PostgresFreshness(pool, tools.store, tools.context)
    reads = await _reads(tools, truth)
    library = ReadStores(reads.rows, history, freshness)
    schema = build_schema(introspection=tools.settings.graphql_introspection)
    return ServiceDefinition(
        routers=[graphql_routes(schema, library), history_routes(history)],
        subscribes_to=CONTEXTS,
        handler=Projector(
            READ_MODELS, truth, history, freshness, tools.settings.broker_partitions, reads.tell
        ),
        batch=BATCH,
        tasks=dict(reads.tasks),
        pending_work=reads.busy,
        close=reads.close,
        term=reads.term,
    )


async def _reads(tools: ServiceDependencies[ProjectionsSettings], truth: RowStore) -> ReadSide:
    if tools.settings.redis_url is None:
        return ReadSide(truth)
    url = tools.settings.redis_url.get_secret_value()
    cache = RedisCache(url, await balances_prefix(tools.settings.database_url.get_secret_value()))
    term = LeadershipTerm()
    copy = RowCache(BALANCES, truth, cache, tools.sleeper, term)
    return ReadSide(
        CachedRowStore(truth, copy),
        copy.announce,
        (("hot-balances", copy.run),),
        copy.busy,
        cache.close,
        term,
    )


if __name__ == "__main__":
    run_process("projections", ProjectionsSettings, build, CONTRACTS)
