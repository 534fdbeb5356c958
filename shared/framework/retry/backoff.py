"""How loops wait and retry; the Sleeper is handed in, so that a virtual clock can drive them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, retry_if_result
from tenacity.wait import wait_base

from shared.framework.retry.transient import is_transient

HEALTHY_AFTER_S = 5.0
"""Work that ran for longer than this was healthy: its next failure counts as the first."""

_log = logging.getLogger(__name__)


class Sleeper(Protocol):
    """Waits; by the event loop's time in a composition root, by virtual time in simulation."""

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        """Return after `seconds`, or as soon as `wake` is set; whether it was set."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed moment, never going back: for intervals, not for dates."""
        ...


@dataclass(frozen=True, slots=True)
class Backoff(wait_base):
    """Pauses in seconds that grow by a factor from the first to the longest; a `wait` for tenacity."""

    first_s: float
    longest_s: float
    factor: float = 2.0

    def pause_s(self, earlier: int) -> float:
        """The pause after a failure that had so many failures before it."""
        return min(self.first_s * self.factor ** min(earlier, 30), self.longest_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        """The pause after an attempt; see tenacity."""
        return self.pause_s(retry_state.attempt_number - 1)


RESTARTS = Backoff(0.05, 2.0)


def retrying(sleeper: Sleeper, pauses: Backoff, worth_it: Callable[[Exception], bool]) -> AsyncRetrying:
    """Attempts for as long as they end in exceptions that are worth another; the last exception is raised.

    A cancellation is none of them.
    """

    async def sleep(seconds: float) -> None:
        await sleeper.sleep(seconds)

    again = retry_if_exception(lambda error: isinstance(error, Exception) and worth_it(error))
    return AsyncRetrying(sleep=sleep, wait=pauses, retry=again, reraise=True)


async def restart_with_backoff(
    name: str, work: Callable[[], Awaitable[None]], sleeper: Sleeper, pauses: Backoff = RESTARTS
) -> None:
    """Run the work again whenever it ends or fails transiently; any other exception is raised."""

    def log(attempt: RetryCallState) -> None:
        if attempt.outcome and attempt.outcome.failed:
            _log.warning(
                "%s restarts after an error", name, extra={"cause": repr(attempt.outcome.exception())}
            )

    attempts = retrying(sleeper, pauses, is_transient)
    always = attempts.retry | retry_if_result(lambda _: True)
    async for attempt in attempts.copy(retry=always, before_sleep=log):
        began = sleeper.elapsed()
        with attempt:
            await work()
        if sleeper.elapsed() - began > HEALTHY_AFTER_S:
            attempt.retry_state.attempt_number = 1
