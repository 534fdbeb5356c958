"""How a timer is handled when it is due."""

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
    """How a timer of one purpose is handled.

    `call_remote` may call others; what it returns is handed to `decide` as its answer, and it may be called
    again after a crash or a failed decision, so what it asks for must be idempotent. `decide` runs in the
    transaction that finishes the timer, with `session.now` = the timer's due moment under a test clock,
    else the system's now. An exception of either postpones the timer with growing pauses.
    """

    decide: Callable[[Session, Timer, Any], Awaitable[None]]
    call_remote: Callable[[Timer], Awaitable[Any]] | None = None


def metadata_at_firing(timer: Timer, clock: Clock) -> Metadata:
    """Of what a timer brings about: caused by it, when it was due (test clock) or now (system's clock)."""
    moment = timer.due_at if timer.test_clock else clock.now()
    return msgspec.structs.replace(
        timer.metadata,
        causation_id=timer.timer_id,
        occurred_at=max(moment, timer.metadata.occurred_at),
        traceparent=current_traceparent() or timer.metadata.traceparent,
    )
