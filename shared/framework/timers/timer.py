"""The handler of a timer, and the metadata of what it causes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.framework.core.clock import Clock
from shared.framework.core.event import Metadata
from shared.framework.eventstore.records import Timer
from shared.framework.eventstore.unit_of_work import Session
from shared.framework.observability.tracing import current_traceparent


@dataclass(frozen=True, slots=True)
class TimerHandler:
    """Handles the due timers of one purpose.

    `call_remote(timer)` runs first, outside any transaction. It may run again after a crash or a failed
    `decide`, so the call must be idempotent. `decide(session, timer, response)` gets what it returned (None
    without `call_remote`), in the transaction that removes the timer; `session.now` is the time at which the
    timer was due under a test clock, else the system's now. An exception of either postpones the timer.
    """

    decide: Callable[[Session, Timer, Any], Awaitable[None]]
    call_remote: Callable[[Timer], Awaitable[Any]] | None = None


def metadata_at_firing(timer: Timer, clock: Clock) -> Metadata:
    """Metadata of what a timer causes: at the time it was due (test clock), or now (system clock)."""
    fired_at = timer.due_at if timer.test_clock else clock.now()
    return msgspec.structs.replace(
        timer.metadata,
        causation_id=timer.timer_id,
        occurred_at=max(fired_at, timer.metadata.occurred_at),
        traceparent=current_traceparent() or timer.metadata.traceparent,
    )
