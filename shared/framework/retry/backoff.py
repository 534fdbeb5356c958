"""Back-off on tenacity, with a Sleeper in place of asyncio.sleep for virtual time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, retry_if_result
from tenacity.wait import wait_base

from shared.framework.retry.transient import is_transient, own_cancellation_only

HEALTHY_AFTER_S = 5.0
"""After work that ran for longer than this, the next failure counts as the first."""

_log = logging.getLogger(__name__)


class Sleeper(Protocol):
    """Waits: by the time of the event loop in a process, by virtual time in simulation."""

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        """Return after `seconds`, or as soon as `wake` is set; returns whether it was set."""

    def elapsed(self) -> float:
        """Monotonic seconds, to measure intervals."""


@dataclass(frozen=True, slots=True)
class Backoff(wait_base):
    """Pauses in seconds that grow by `factor` from `first_s` to `longest_s`; a `wait` of tenacity."""

    first_s: float
    longest_s: float
    factor: float = 2.0

    def pause_s(self, earlier: int) -> float:
        """The pause after a failure that followed `earlier` other failures."""
        return min(self.first_s * self.factor ** min(earlier, 30), self.longest_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        """The pause after an attempt, for tenacity."""
        return self.pause_s(retry_state.attempt_number - 1)


RESTARTS = Backoff(0.05, 2.0)


def retrying(sleeper: Sleeper, pauses: Backoff, is_retryable: Callable[[Exception], bool]) -> AsyncRetrying:
    """Attempts without end, as long as they raise retryable exceptions; any other exception is raised.

    Cancellation is never retried.
    """

    async def sleep(seconds: float) -> None:
        await sleeper.sleep(seconds)

    retry = retry_if_exception(lambda error: isinstance(error, Exception) and is_retryable(error))
    return AsyncRetrying(sleep=sleep, wait=pauses, retry=retry, reraise=True)


async def restart_with_backoff(
    name: str, work: Callable[[], Awaitable[None]], sleeper: Sleeper, pauses: Backoff = RESTARTS
) -> None:
    """Run `work` for ever, with a pause whenever it returns or fails transiently; raises other exceptions."""

    def log(attempt: RetryCallState) -> None:
        if attempt.outcome and attempt.outcome.failed:
            _log.warning(
                "%s restarts after an error", name, extra={"cause": repr(attempt.outcome.exception())}
            )

    attempts = retrying(sleeper, pauses, is_transient)
    always = attempts.retry | retry_if_result(lambda _: True)
    async for attempt in attempts.copy(retry=always, before_sleep=log):
        started = sleeper.elapsed()
        with attempt, own_cancellation_only():
            await work()
        if sleeper.elapsed() - started > HEALTHY_AFTER_S:
            attempt.retry_state.attempt_number = 1
