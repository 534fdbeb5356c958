"""The timer loop: for each due timer the remote call, then its decision in a transaction."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import TimerAlreadyDone, TimerLoopStore, TimerStore
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.leadership.port import Leadership, Lease
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import span
from shared.framework.retry.backoff import Backoff, Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask, every
from shared.framework.retry.transient import is_message_fault
from shared.framework.timers.timer import TimerHandler, metadata_at_firing

PAGE = 100
CONCURRENT_CALLS_MAX = 16
"""Concurrent remote calls: enough that a slow one delays few others, and few enough for the limits of a
gateway and for the connection pool, which requests need too.
"""
POLL_INTERVAL_S = 0.25
PAUSES = Backoff(0.25, 300.0)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class TimerLoop:
    """Fires one context's timers in due order; `handlers` by purpose. Commits of this process set `wake`."""

    store: TimerLoopStore
    handlers: Mapping[str, TimerHandler]
    clock: Clock
    leadership: Leadership
    sleeper: Sleeper
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Run for ever: wait for the lease, then fire timers; restart after transient failures."""
        await restart_with_backoff(f"timers of {self.store.context}", self._acquire_lease, self.sleeper)

    async def fire_due(self) -> int:
        """Handle the timers with the earliest due time; returns how many there were.

        Only those, because timers that they set may be due before the next ones.
        """
        due = await self.store.due_timers(self.clock.now(), PAGE)
        first = [timer for timer in due if timer.due_at == due[0].due_at]
        responses = await self._call_all(first)
        for timer, response in zip(first, responses, strict=True):
            await self._finish(timer, response)
        return len(first)

    async def _acquire_lease(self) -> None:
        async with self.leadership.acquire(f"timers:{self.store.context}") as lease:
            await self._lead(lease)

    async def _lead(self, lease: Lease) -> None:
        async def step() -> bool:
            lease.check()
            return await self.fire_due() > 0

        await PeriodicTask(step, every(POLL_INTERVAL_S), self.sleeper, self.wake).run()

    async def _call_all(self, timers: Sequence[Timer]) -> list[Any]:
        free = asyncio.Semaphore(CONCURRENT_CALLS_MAX)

        async def call(timer: Timer) -> Any:
            async with free:
                return await self._call_remote(timer)

        return await asyncio.gather(*map(call, timers))

    async def _call_remote(self, timer: Timer) -> Any:
        """What the remote call returned, or the exception that it raised."""
        handler = self.handlers.get(timer.purpose)
        if handler is None:
            return LookupError(f"no handler for timers of purpose {timer.purpose!r}")
        try:
            return None if handler.call_remote is None else await handler.call_remote(timer)
        except Exception as error:
            return error

    async def _finish(self, timer: Timer, response: Any) -> None:
        error = response if isinstance(response, Exception) else await self._decide_safely(timer, response)
        if error is not None:
            return await self._postpone(timer, error)
        metrics.TIMERS_FIRED.labels(timer.purpose, "done").inc()
        return None

    async def _decide_safely(self, timer: Timer, response: Any) -> Exception | None:
        try:
            await self._decide(timer, response)
        except TimerAlreadyDone:
            _log.info("a timer was handled by another process", extra={"timer_id": timer.timer_id})
        except Exception as error:
            if not is_message_fault(error):
                raise
            return error
        return None

    async def _decide(self, timer: Timer, response: Any) -> None:
        cause = timer.metadata.traceparent
        with span(names.SPAN_TIMER, parent_traceparent=cause, attributes={names.ATTR_PURPOSE: timer.purpose}):
            metadata = metadata_at_firing(timer, self.clock)

            async def work(unit: UnitOfWork) -> None:
                session = unit.session(timer.tenant_id, metadata)
                session.complete_timer(timer.timer_id)
                await self.handlers[timer.purpose].decide(session, timer, response)

            await transact(self.store, work)

    async def _postpone(self, timer: Timer, error: Exception) -> None:
        pause_s = PAUSES.pause_s(timer.attempts)
        _log.error(
            "a timer failed and will be retried",
            exc_info=error,
            extra={"timer_id": timer.timer_id, "purpose": timer.purpose, "pause_s": pause_s},
        )
        metrics.TIMERS_FIRED.labels(timer.purpose, "failed").inc()
        await self.store.postpone(timer.timer_id, self.clock.now() + timedelta(seconds=pause_s))


async def unfinished_timers(store: TimerStore, now: datetime, limit: int) -> int:
    """The number of timers that are due, at most `limit`, including postponed ones."""
    timers = await store.due_timers(now + timedelta(seconds=PAUSES.longest_s), limit)
    return sum(1 for timer in timers if timer.test_clock or timer.due_at <= now)
