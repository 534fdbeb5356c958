"""What the search for advances does when the database is away: it begins again, and the process goes on."""

import asyncio
from typing import Any, cast

from services.subscriptions.test_clocks.leaps import Leaps
from shared.billing.contracts import CONTRACTS
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.leadership.port import MemoryLeadership
from shared.framework.retry.signal import Signal
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.messaging_harness import running


class AwayOnce(MemoryEventStore):
    """A store that is away when advances are looked for the first time."""

    asked = 0

    async def advancing_tenants(self) -> list[str]:
        self.asked += 1
        if self.asked == 1:
            raise StoreIsUnavailable("advancing_tenants")
        return []


class NoPause:
    """A sleeper that only lets other tasks run."""

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        await asyncio.sleep(0)
        return False

    def elapsed(self) -> float:
        return 0.0


async def test_a_database_that_is_away_does_not_end_the_search_for_advances() -> None:
    store = AwayOnce("subscriptions", FakeClock(), CONTRACTS)
    leaps = Leaps(store, cast(Any, None), [], [], 1, MemoryLeadership(), NoPause(), Signal())
    async with running(leaps.run), asyncio.timeout(5):
        while store.asked < 3:
            await asyncio.sleep(0)
