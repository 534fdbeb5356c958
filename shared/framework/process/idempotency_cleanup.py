"""Idempotency keys are kept for as long as a caller may still ask again, and not for ever."""

from dataclasses import dataclass
from datetime import timedelta

from shared.framework.core.clock import Clock
from shared.framework.eventstore.ports import IdempotencyKeys
from shared.framework.retry.backoff import Sleeper, restart_with_backoff
from shared.framework.retry.periodic_task import PeriodicTask, every

LOOK_EVERY_S = 600.0
PAGE = 1000
"""Few enough that no request waits for the locks of one delete."""
REST_S = 0.1


@dataclass(frozen=True, slots=True)
class IdempotencyKeyCleanup:
    """Several processes of one context may forget at once: each key goes once, and none is missed."""

    store: IdempotencyKeys
    clock: Clock
    sleeper: Sleeper
    kept_for: timedelta

    async def run(self) -> None:
        """Look every ten minutes, for ever."""
        task = PeriodicTask(self.delete_expired, every(LOOK_EVERY_S), self.sleeper)
        await restart_with_backoff("idempotency key cleanup", task.run, self.sleeper)

    async def delete_expired(self) -> bool:
        """Forget every key that is older than it is kept, a page at a time; False, for none is left."""
        before = self.clock.now() - self.kept_for
        while await self.store.delete_expired_keys(before, PAGE) == PAGE:
            await self.sleeper.sleep(REST_S)
        return False
