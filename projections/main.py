"""The read side's process: `python -m projections.main`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from projections.api.endpoint import graphql_routes
from projections.api.history_routes import history_routes
from projections.api.schema import build_schema
from projections.engine.cache.cached_row_store import HotRows
from projections.engine.cache.key_prefix import balances_prefix
from projections.engine.cache.redis import RedisCache
from projections.engine.cache.row_cache import HotCopy
from projections.engine.postgres.event_archive import PostgresHistory
from projections.engine.postgres.freshness import PostgresFreshness
from projections.engine.postgres.prepare import prepare
from projections.engine.postgres.read_pool import PatientPool
from projections.engine.postgres.row_store import PostgresRows
from projections.engine.projector import Runner, Told, nobody_is_told
from projections.engine.request_reader import Library
from projections.engine.row_store import Rows
from projections.read_models.balances.projection import BALANCES
from projections.settings import ProjectionsSettings
from shared.billing.contracts import CONTEXTS
from shared.framework.leadership.port import Term
from shared.framework.process.run import run_process
from shared.framework.process.service_definition import Service, Task, Tools

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Reads:
    """What readers are served from, and what keeps it warm."""

    rows: Rows
    tell: Told = nobody_is_told
    tasks: tuple[tuple[str, Task], ...] = ()
    busy: Callable[[], Awaitable[int]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    term: Term = field(default_factory=Term)


async def build(tools: Tools[ProjectionsSettings]) -> Service:
    """Put the read side together."""
    await prepare(tools.settings.database_url.get_secret_value())
    pool = PatientPool(tools.pool)
    truth, history = PostgresRows(pool), PostgresHistory(pool)
    freshness = PostgresFreshness(pool, tools.store, tools.context)
    reads = await _reads(tools, truth)
    library = Library(reads.rows, history, freshness)
    schema = build_schema(introspection=tools.settings.graphql_introspection)
    return Service(
        routers=[graphql_routes(schema, library), history_routes(history)],
        hears=CONTEXTS,
        handler=Runner(truth, history, freshness, tools.settings.broker_partitions, reads.tell),
        batch=BATCH,
        tasks=dict(reads.tasks),
        busy=reads.busy,
        close=reads.close,
        term=reads.term,
    )


async def _reads(tools: Tools[ProjectionsSettings], truth: Rows) -> Reads:
    if tools.settings.redis_url is None:
        return Reads(truth)
    url = tools.settings.redis_url.get_secret_value()
    cache = RedisCache(url, await balances_prefix(tools.settings.database_url.get_secret_value()))
    term = Term()
    copy = HotCopy(BALANCES, truth, cache, tools.sleeper, term)
    return Reads(HotRows(truth, copy), copy.tell, (("hot-balances", copy.run),), copy.busy, cache.close, term)


if __name__ == "__main__":
    run_process("projections", ProjectionsSettings, build)
