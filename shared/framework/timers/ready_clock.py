"""Waits until a tenant's test clock stands: what commands of that tenant do during an advance."""

from dataclasses import dataclass

from shared.framework.eventstore.ports import TenantClocks, TestClockIsAdvancing
from shared.framework.eventstore.records import TenantClock
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.signal import Signal

RELOAD_INTERVAL_S = 0.1
"""Only where another process of the context is the one that receives the clock's events."""


@dataclass(frozen=True, slots=True)
class ReadyClock:
    """`clock_changes`: notified after each commit of this process with test clocks."""

    clocks: TenantClocks
    sleeper: Sleeper
    clock_changes: Signal

    async def wait(self, tenant_id: str, timeout_s: float) -> TenantClock | None:
        """The tenant's test clock once it stands (None: it has none). Raises TestClockIsAdvancing."""
        deadline = self.sleeper.elapsed() + timeout_s
        while True:
            changed = self.clock_changes.event()
            clock = await self.clocks.test_clock(tenant_id)
            if clock is None or clock.target is None:
                return clock
            left = deadline - self.sleeper.elapsed()
            if left <= 0:
                raise TestClockIsAdvancing(
                    f"it is on its way to {clock.target.isoformat()}; see GET /v1/test-clock"
                )
            await self.sleeper.sleep(min(left, RELOAD_INTERVAL_S), changed)
