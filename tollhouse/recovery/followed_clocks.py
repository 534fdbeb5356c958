"""The test clocks that contexts follow, when contexts were restored to different moments.

A context that is behind a clock would handle commands at an instant that is over; one that waits for the end
of an advance which the clock's context has lost would wait for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET

from shared.billing.contracts import CONTRACTS, TOPICS
from shared.framework.eventstore.records import TenantClock

CLOCKS = "subscriptions"
"""The context whose events move the clocks."""

_STEPS = "SELECT tenant_id, topic, state FROM events WHERE topic = ANY($1) ORDER BY notification_id"
_FOLLOWED = "SELECT tenant_id, now_at, target_at FROM tenant_clocks ORDER BY tenant_id"
_SET_TARGET = "UPDATE tenant_clocks SET target_at = $2 WHERE tenant_id = $1"


@dataclass(frozen=True, slots=True)
class MovedClock:
    """A clock by its events. `jumped`: its last step was a jump, as before 2026-11-25, and has no end."""

    clock: TenantClock
    jumped: bool = False

    def target_for(self, own: TenantClock) -> datetime | None:
        """Until when a context that stands at `own` holds commands; None if it does not.

        One that is behind gets the events that bring it to the clock, and the end of each advance with them.
        """
        if own.now < self.clock.now and not self.jumped:
            return self.clock.target or self.clock.now
        return self.clock.target


async def agree_on_clocks(connections: Mapping[str, Any]) -> Sequence[str]:
    """Let every context wait until it has followed its clocks, and no longer; what was done, in words."""
    clocks, done = await _clocks(connections[CLOCKS]), []
    for context in TOPICS:
        for tenant_id, now, target in (
            await connections[context].fetch(_FOLLOWED) if context != CLOCKS else ()
        ):
            moved = clocks.get(tenant_id)
            wanted = moved.target_for(TenantClock(now, target)) if moved else None
            if wanted != target:
                await connections[context].execute(_SET_TARGET, tenant_id, wanted)
                waits = f"waits until {wanted.isoformat()}" if wanted else f"stands at {now.isoformat()}"
                done.append(f"the test clock of {tenant_id} {waits} in {context}")
    return done


async def _clocks(connection: Any) -> Mapping[str, MovedClock]:
    found: dict[str, MovedClock] = {}
    for tenant_id, wire_name, state in await connection.fetch(_STEPS, list(CONTRACTS.test_clocks)):
        change = CONTRACTS.test_clocks[wire_name](CONTRACTS.decode(wire_name, state))
        before = found[tenant_id].clock if tenant_id in found else TenantClock(change.now)
        target = before.target if change.target is UNSET else change.target
        found[tenant_id] = MovedClock(
            TenantClock(max(change.now, before.now), target), jumped=change.target is UNSET and target is None
        )
    return found
