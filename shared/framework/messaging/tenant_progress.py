"""How far one context has come for one tenant, and whether anything is left to do before its clock moves on.

Why this is enough to move the clock is in docs/decisions/2026-11-25-test-clocks-move-in-steps.md.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import BEYOND_ALL, TenantActivity, TenantClock
from shared.framework.messaging.feed import heads_of
from shared.framework.retry.backoff import Sleeper
from shared.framework.retry.signal import Signal

ATTEMPTS_HELD = 8
"""An advance waits for a failing timer for this many attempts (half a minute), then goes on without it."""

RELOAD_INTERVAL_S = 0.1
Heads = Mapping[str, Mapping[int, int]]
"""By context, the last position of each partition."""


@dataclass(frozen=True, slots=True)
class ProgressQuery:
    """What to report on, and what to wait for at most `wait_s` before that.

    It waits until events of other contexts up to `heads` are handled, the tenant's clock is `clock`, and no
    timer of the tenant is due. `after`: events of the tenant up to this position of the context are known;
    None: nothing is known of it.
    """

    tenant_id: str
    heads: Heads
    clock: TenantClock | None
    after: int | None
    wait_s: float


@dataclass(frozen=True, slots=True)
class TenantProgress:
    """The report of one context.

    `heads`: by partition, a position at or above the tenant's last event, where that is not known to the
    asker. `settled_position`: to ask for events after it next time. `inbox`: handled positions of others.
    """

    settled_position: int
    heads: Mapping[int, int]
    inbox: Heads
    activity: TenantActivity


class ProgressReader(Protocol):
    """Asks contexts for their progress."""

    async def tenant_progress(self, context: str, query: ProgressQuery) -> TenantProgress:
        """The progress of a context. Raises FeedUnavailable."""


class Receiver(Protocol):
    """The consumer of a context, as far as its progress is concerned."""

    @property
    def name(self) -> str:
        """The key of its inbox positions."""

    @property
    def subscribes_to(self) -> Sequence[str]:
        """The contexts whose events it handles."""

    async def wait_for_position(self, context: str, partition: int, position: int, timeout_s: float) -> bool:
        """Wait until a position of a context has been handled; False after `timeout_s`."""


@dataclass(frozen=True, slots=True)
class ProgressReporter:
    """Reports the progress of this context. `consumer` None: it subscribes to nothing."""

    store: Store
    consumer: Receiver | None
    partitions: int
    sleeper: Sleeper
    commits: Signal

    async def report(self, query: ProgressQuery) -> TenantProgress:
        """Wait as the query says, then report.

        The order of the reads matters: inbox and settled position before the activity, `heads` not before it.
        """
        deadline = self.sleeper.elapsed() + query.wait_s
        await self._handled(query)
        inbox = await self._inbox()
        while True:
            committed = self.commits.event()
            settled_position = await self.store.settled_position()
            activity = await self.store.tenant_activity(
                query.tenant_id,
                BEYOND_ALL if query.after is None else query.after,
                self.partitions,
                ATTEMPTS_HELD,
            )
            left = deadline - self.sleeper.elapsed()
            if left <= 0 or _is_followed(activity, query.clock):
                break
            await self.sleeper.sleep(min(left, RELOAD_INTERVAL_S), committed)
        heads = await heads_of(self.store, self.partitions) if query.after is None else activity.newest
        return TenantProgress(settled_position, heads, inbox, activity)

    async def _handled(self, query: ProgressQuery) -> None:
        if self.consumer is not None:
            waits = [
                self.consumer.wait_for_position(context, number, head, query.wait_s)
                for context, partitions in query.heads.items()
                for number, head in partitions.items()
            ]
            await asyncio.gather(*waits)

    async def _inbox(self) -> Heads:
        """The committed positions of this context's consumer, by context."""
        if self.consumer is None:
            return {}
        stored = await self.store.inbox(self.consumer.name)
        topics = self.store.contracts.topics
        return {
            context: {
                number: at.position if (at := stored.get((topics[context], number))) else 0
                for number in range(self.partitions)
            }
            for context in self.consumer.subscribes_to
        }


def _is_followed(activity: TenantActivity, clock: TenantClock | None) -> bool:
    return clock is None or (_has_reached(activity.clock, clock) and not activity.timers_due)


def _has_reached(own: TenantClock | None, clock: TenantClock) -> bool:
    """Whether a context has followed the clock up to this step.

    One that is ahead has: the clock's context was restored to an earlier moment, and plays steps again.
    """
    return own is not None and (own == clock or own.now > clock.now)


def is_quiet(progress: TenantProgress, clock: TenantClock, heads: Heads) -> bool:
    """Whether nothing is left to do at `clock` for what other contexts have written up to `heads`."""
    return _is_followed(progress.activity, clock) and not behind(progress.inbox, heads)


def behind(inbox: Heads, heads: Heads) -> list[str]:
    """The contexts of which events up to `heads` are not all handled."""
    return [
        context
        for context, positions in inbox.items()
        if any(positions.get(number, 0) < head for number, head in heads.get(context, {}).items())
    ]
