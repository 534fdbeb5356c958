"""One process of one context: HTTP, relay, consumer and timers on one event loop.

A service's main.py composes its features and calls `run_process`, as in shared/framework/README.md.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import asyncpg
import uvloop

from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.pool import connect
from shared.framework.http.app import create_app
from shared.framework.http.authentication import BearerAuthenticator
from shared.framework.http.health import ReadinessCheck
from shared.framework.leadership.postgres import PostgresLeadership
from shared.framework.leadership.session import LockSession
from shared.framework.messaging.feed_http import HttpFeeds
from shared.framework.messaging.kafka import KafkaBroker
from shared.framework.messaging.relay import PostgresCursor
from shared.framework.messaging.tenant_progress import ProgressReporter
from shared.framework.observability.exporters import span_processors
from shared.framework.observability.logging import start_logging
from shared.framework.observability.tracing import start_tracing
from shared.framework.process.background_tasks import BackgroundTasks, background_tasks
from shared.framework.process.crash_only import serve
from shared.framework.process.gc_tuning import tune_garbage_collector
from shared.framework.process.instrumented_store import InstrumentedEventStore
from shared.framework.process.internal_routes import InternalRoutesContext, internal_routes
from shared.framework.process.metered_leadership import MeteredLeadership
from shared.framework.process.resumption import resume_streams
from shared.framework.process.scraped_gauges import (
    Measurement,
    ScrapedGauges,
    broker_measurement,
    consumer_measurement,
    database_measurement,
    disk_measurement,
)
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies, SettingsT
from shared.framework.process.system import EventLoopSleeper, SystemClock, UuidV7Ids
from shared.framework.timers.ready_clock import ReadyClock

Build = Callable[[ServiceDependencies[SettingsT]], Awaitable[ServiceDefinition]]

POOL_CLOSE_S = 3.0

_log = logging.getLogger(__name__)


def run_process(
    context: str, settings_type: type[SettingsT], build: Build[SettingsT], contracts: Contracts
) -> None:
    """Run until SIGTERM or SIGINT. After an error the process exits with status 1; the log has the cause."""
    settings = settings_type()  # from the environment
    start_logging(context, settings.log_level)
    processors = span_processors(
        settings.trace_file,
        settings.trace_file_bytes_max,
        otlp_endpoint=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
    )
    stop_tracing = start_tracing(context, processors) if processors else None
    tune_garbage_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve_context(context, settings, build, contracts))
    except Exception:
        _log.critical("the process exits after an error", exc_info=True)
        sys.exit(1)
    finally:
        if stop_tracing:
            stop_tracing()


async def serve_context(
    context: str, settings: SettingsT, build: Build[SettingsT], contracts: Contracts
) -> None:
    """Open all connections, run until a signal, close them. Raises LoopEnded, StoreIsUnavailable."""
    async with AsyncExitStack() as stack:
        deps, store = await _open(context, settings, contracts, stack)
        service = await build(deps)
        if service.close:
            stack.push_async_callback(service.close)
        await resume_streams(deps.store, deps.pool, service.resume)
        tasks = await _background_tasks(service, deps, store, stack)
        app = create_app(
            context,
            [*service.routers, internal_routes(_internal_routes_context(service, deps, tasks))],
            store=deps.store,
            clock=deps.clock,
            ids=deps.ids,
            authenticator=deps.authenticator,
            partitions=settings.broker_partitions,
            waiter=tasks.consumer,
            clock_waiter=ReadyClock(deps.store, deps.sleeper, deps.clock_changes),
            checks=_checks(service, deps, tasks),
            raw=service.raw_routes,
            refresh_gauges=ScrapedGauges(_measurements(service, deps, store, tasks)).refresh,
        )
        await serve(
            app,
            tasks.tasks(service),
            host=settings.http_host,
            port=settings.http_port,
            shared_port=settings.http_shared_port,
            grace_s=settings.shutdown_grace_s,
        )


async def _open(
    context: str, settings: SettingsT, contracts: Contracts, stack: AsyncExitStack
) -> tuple[ServiceDependencies[SettingsT], InstrumentedEventStore]:
    dsn, clock = settings.database_url.get_secret_value(), SystemClock()
    pool = await connect(
        dsn,
        size_max=settings.database_connections_max,
        name=context,
        parameters=settings.database_parameters,
    )
    stack.push_async_callback(_close_pool, pool)
    feeds = HttpFeeds(settings.feeds, settings.service_token_file)
    stack.push_async_callback(feeds.close)
    sleeper = EventLoopSleeper()
    session = LockSession(dsn, sleeper)
    stack.push_async_callback(session.close)
    store = InstrumentedEventStore(pool, context, contracts, session)
    deps = ServiceDependencies(
        context=context,
        settings=settings,
        pool=pool,
        store=store,
        clock=clock,
        ids=UuidV7Ids(),
        sleeper=sleeper,
        feeds=feeds,
        authenticator=BearerAuthenticator(settings.jwks_file, settings.api_keys_file, clock),
        progress=feeds,
        leadership=MeteredLeadership(PostgresLeadership(session, sleeper)),
        commits=store.signals.commits,
        clock_changes=store.signals.clock_changes,
    )
    return deps, store


async def _background_tasks(
    service: ServiceDefinition,
    deps: ServiceDependencies[SettingsT],
    store: InstrumentedEventStore,
    stack: AsyncExitStack,
) -> BackgroundTasks:
    settings = deps.settings
    broker = KafkaBroker(
        bootstrap=settings.kafka_bootstrap,
        idempotence=settings.broker_idempotence,
        fetch_wait_ms=settings.broker_fetch_wait_ms,
    )
    stack.push_async_callback(broker.close)
    return background_tasks(
        service,
        deps,
        store,
        broker=broker,
        cursor=PostgresCursor(deps.pool, f"relay:{deps.context}"),
    )


def _measurements(
    service: ServiceDefinition,
    deps: ServiceDependencies[SettingsT],
    store: InstrumentedEventStore,
    tasks: BackgroundTasks,
) -> Sequence[Measurement]:
    relays, folder = tasks.relay is not None, deps.settings.data_folder
    return [
        database_measurement(deps.pool, deps.context, deps.clock, tasks.consumer, relays=relays),
        store.measure_claims,
        broker_measurement(tasks.broker),
        *([consumer_measurement(tasks.consumer)] if tasks.consumer else []),
        *([disk_measurement(folder)] if folder else []),
        *service.measurements,
    ]


def _internal_routes_context(
    service: ServiceDefinition, deps: ServiceDependencies[SettingsT], tasks: BackgroundTasks
) -> InternalRoutesContext:
    partitions = deps.settings.broker_partitions
    return InternalRoutesContext(
        store=deps.store,
        clock=deps.clock,
        partitions=partitions,
        consumer=tasks.consumer,
        pending_work=service.pending_work,
        progress=ProgressReporter(deps.store, tasks.consumer, partitions, deps.sleeper, deps.commits),
    )


def _checks(
    service: ServiceDefinition, deps: ServiceDependencies[SettingsT], tasks: BackgroundTasks
) -> Mapping[str, ReadinessCheck]:
    upstream = {"upstream": tasks.consumer.ahead.check} if tasks.consumer else {}
    return {"database": _database_check(deps), **upstream, **service.checks}


def _database_check(deps: ServiceDependencies[SettingsT]) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        await deps.pool.fetchval("SELECT 1")

    return check


async def _close_pool(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        async with asyncio.timeout(POOL_CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
