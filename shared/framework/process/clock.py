"""The system's clock and the event loop's patience, handed out by composition roots only."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that everybody else is handed


class EventLoopSleeper:
    """Waits by the running event loop's own time."""

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        """See shared.framework.retry.backoff.Sleeper."""
        if wake is None:
            await asyncio.sleep(seconds)
            return False
        try:
            async with asyncio.timeout(seconds):
                return await wake.wait()
        except TimeoutError:
            return False

    def elapsed(self) -> float:
        """See shared.framework.retry.backoff.Sleeper."""
        return asyncio.get_running_loop().time()
