"""Measures how late the event loop of this process is."""

from shared.framework.observability import metrics
from shared.framework.retry.backoff import Sleeper

INTERVAL_S = 0.1


class EventLoopLag:
    """A background task that is due ten times a second, and observes how late it is."""

    def __init__(self, sleeper: Sleeper) -> None:
        """The sleeper of the process."""
        self._sleeper = sleeper

    async def run(self) -> None:
        """Run for ever."""
        while True:
            await self.observe()

    async def observe(self) -> None:
        """Observe one interval."""
        due = self._sleeper.elapsed() + INTERVAL_S
        await self._sleeper.sleep(INTERVAL_S)
        metrics.EVENT_LOOP_LAG.observe(max(self._sleeper.elapsed() - due, 0.0))
