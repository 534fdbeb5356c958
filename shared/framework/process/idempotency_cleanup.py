"""The cleanup task: deletes idempotency keys after their retention time."""

from dataclasses import dataclass
from datetime import timedelta

from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import IdempotencyKeys
from shared.framework.retry.backoff import Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask, every

INTERVAL_S = 600.0
PAGE = 1000
"""Keys per DELETE: few enough that no request waits for its locks."""
PAGE_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class IdempotencyKeyCleanup:
    """Deletes keys older than `retention`; several processes of a context may do so at once."""

    store: IdempotencyKeys
    clock: Clock
    sleeper: Sleeper
    retention: timedelta

    async def run(self) -> None:
        """Run for ever, every INTERVAL_S."""
        task = PeriodicTask(self.delete_expired, every(INTERVAL_S), self.sleeper)
        await restart_with_backoff("idempotency key cleanup", task.run, self.sleeper)

    async def delete_expired(self) -> bool:
        """Delete all expired keys, PAGE at a time; returns False: none is left."""
        before = self.clock.now() - self.retention
        while await self.store.delete_expired_keys(before, PAGE) == PAGE:
            await self.sleeper.sleep(PAGE_PAUSE_S)
        return False
