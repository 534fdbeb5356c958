"""Gauges that are set when /metrics is asked for, so that every process says what is true now.

A gauge that only a leader sets, or only a success, is wrong in the process that is asked, or after a failure.
"""

import asyncio
import logging
import math
import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

import asyncpg

from shared.framework.core.clock import Clock
from shared.framework.eventstore.backlog import Backlog, read_backlog
from shared.framework.messaging.consumer import Consumer
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.messaging.port import Broker
from shared.framework.observability import metrics

Measurement = Callable[[], Awaitable[None]]
"""Sets some gauges, first to what is right if it does not come back: NaN, or 0 for a silent server."""

T = TypeVar("T")

QUERY_TIMEOUT_S = 2.0
MEASUREMENT_TIMEOUT_S = 4.0
"""Together below the 10 s after which Prometheus gives a scrape up."""

_log = logging.getLogger(__name__)


class ScrapedGauges:
    """All measurements of a process. Scrapes at the same time share one run."""

    def __init__(self, measurements: Iterable[Measurement]) -> None:
        """Nothing is measured before `refresh`."""
        self._measurements = tuple(measurements)
        self._running: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Measure everything, in parallel and in bounded time; a failed measurement is logged."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="metrics")
        await asyncio.shield(self._running)

    async def _run(self) -> None:
        tasks = {asyncio.ensure_future(measurement()) for measurement in self._measurements}
        done, late = await asyncio.wait(tasks, timeout=MEASUREMENT_TIMEOUT_S) if tasks else (set(), set())
        for task in late:
            task.cancel()  # and not waited for: to cancel a query of a server that stands still takes long
        for error in (task.exception() for task in done):
            if error is not None:
                _log.warning("a gauge cannot be measured", extra={"cause": repr(error)})


async def reachable(server: str, call: Awaitable[T]) -> T:
    """The result of a call to a server, and its reachability as a gauge. Raises what the call raises."""
    metrics.SERVER_REACHABLE.labels(server).set(0)
    async with asyncio.timeout(QUERY_TIMEOUT_S):
        result = await call
    metrics.SERVER_REACHABLE.labels(server).set(1)
    return result


def database_measurement(
    pool: "asyncpg.Pool[asyncpg.Record]",
    context: str,
    clock: Clock,
    consumer: Consumer | None,
    *,
    relays: bool,
) -> Measurement:
    """What the database knows of relay, timers and dead letters; and the pool. `relays`: there is a topic."""

    async def measure() -> None:
        metrics.POOL_CONNECTIONS.labels("idle").set(pool.get_idle_size())
        metrics.POOL_CONNECTIONS.labels("used").set(pool.get_size() - pool.get_idle_size())
        metrics.POOL_CONNECTIONS.labels("not opened").set(pool.get_max_size() - pool.get_size())
        _set_backlog(context, None, clock, consumer, relays)
        reading = read_backlog(pool, f"relay:{context}", clock.now(), QUERY_TIMEOUT_S)
        _set_backlog(context, await reachable("postgres", reading), clock, consumer, relays)

    return measure


def _set_backlog(
    context: str, backlog: Backlog | None, clock: Clock, consumer: Consumer | None, relays: bool
) -> None:
    def value(of: Callable[[Backlog], float]) -> float:
        return math.nan if backlog is None else of(backlog)

    now = clock.now()
    if relays:
        metrics.RELAY_POSITION.labels(context).set(value(lambda found: found.relayed))
        metrics.RELAY_LAG.labels(context).set(value(lambda found: max(found.head - found.relayed, 0)))
    metrics.DATABASE_BYTES.set(value(lambda found: found.database_bytes))
    metrics.TIMERS_DUE.set(value(lambda found: found.timers_due))
    metrics.TIMER_OLDEST_DUE_SECONDS.set(
        value(lambda found: (now - found.oldest_due_at).total_seconds() if found.oldest_due_at else 0)
    )
    if consumer is None:
        return
    letters = None if backlog is None else backlog.dead_letters.get(consumer.name)
    records = value(lambda _: letters.records if letters else 0)
    age_s = value(lambda _: (now - letters.oldest_at).total_seconds() if letters else 0)
    metrics.DEAD_LETTERS.labels(consumer.name).set(records)
    metrics.DEAD_LETTER_OLDEST_SECONDS.labels(consumer.name).set(age_s)


def broker_measurement(broker: Broker) -> Measurement:
    """Whether the broker answers."""

    async def measure() -> None:
        await reachable("broker", broker.cluster_id())

    return measure


def consumer_measurement(consumer: Consumer) -> Measurement:
    """How far the consumer's positions in the database are behind the feeds, whichever process consumes."""

    async def measure() -> None:
        for context in consumer.subscribes_to:
            _set_lag(consumer, context, {}, None)
        positions = await consumer.stored_positions()
        heads = await asyncio.gather(*(_heads(consumer, context) for context in consumer.subscribes_to))
        for context, found in zip(consumer.subscribes_to, heads, strict=True):
            _set_lag(consumer, context, found, positions)

    return measure


async def _heads(consumer: Consumer, context: str) -> dict[int, int]:
    """The heads of a context's feed; empty if it cannot be read."""
    try:
        async with asyncio.timeout(QUERY_TIMEOUT_S):
            return await consumer.feeds.heads(context, consumer.partitions)
    except (FeedUnavailable, TimeoutError) as error:
        _log.warning("a feed cannot be read", extra={"feed": context, "cause": str(error)})
        return {}


def _set_lag(
    consumer: Consumer, context: str, heads: dict[int, int], positions: dict[tuple[str, int], int] | None
) -> None:
    topic = consumer.store.contracts.topics[context]
    for number in range(consumer.partitions):
        position = math.nan if positions is None else positions.get((topic, number), 0)
        lag = heads[number] - position if number in heads else math.nan
        metrics.CONSUMER_POSITION.labels(topic, str(number)).set(position)
        metrics.CONSUMER_LAG.labels(topic, str(number)).set(max(lag, 0))


def disk_measurement(folder: Path) -> Measurement:
    """The disk on which a folder lies."""

    async def measure() -> None:
        disk = await asyncio.to_thread(shutil.disk_usage, folder)
        metrics.DISK_FREE_BYTES.set(disk.free)
        metrics.DISK_SIZE_BYTES.set(disk.total)

    return measure
