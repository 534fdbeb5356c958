"""Advances of test clocks: from one due instant to the next, whenever all contexts have nothing left to do.

Why a step is safe is in docs/decisions/2026-11-25-test-clocks-move-in-steps.md. All state is in the events
of the clock and in the stores of the contexts: any process can go on where another one stopped.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from services.subscriptions.test_clocks.decider import (
    TEST_CLOCK,
    AdvancingClock,
    FinishAdvance,
    MoveTestClock,
    TestClockState,
)
from services.subscriptions.test_clocks.handlers import clock_id, set_test_clock
from shared.framework.core.event import Metadata
from shared.framework.core.ids import partition_of
from shared.framework.eventstore.ports import Store, TestClockIsAdvancing
from shared.framework.eventstore.records import BEYOND_ALL, CommitReceipt, TenantClock
from shared.framework.eventstore.unit_of_work import UnitOfWork, transact
from shared.framework.leadership.port import Leadership, Lease
from shared.framework.messaging.feed import FeedUnavailable
from shared.framework.messaging.tenant_progress import (
    Heads,
    ProgressQuery,
    ProgressReader,
    TenantProgress,
    behind,
    is_quiet,
)
from shared.framework.process.service_definition import ServiceDependencies
from shared.framework.process.settings import ServiceSettings
from shared.framework.retry.backoff import Sleeper, restart_with_backoff
from shared.framework.retry.signal import Signal

WAIT_S = 1.0
"""How long a context may wait for its own work before it reports; then it is asked again."""

FOLLOWED_WITHIN_S = 10.0
SEARCH_INTERVAL_S = 1.0
PAUSE_S = 0.05
UNAVAILABLE_PAUSE_S = 0.5
RESTART_PAUSE_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Knowledge:
    """What is known during the advance of one tenant's clock.

    `heads`: positions at or above the tenant's last events. `reports`: the newest of each context.
    """

    heads: dict[str, dict[int, int]] = field(default_factory=dict)
    reports: dict[str, TenantProgress] = field(default_factory=dict)

    def learn(self, context: str, report: TenantProgress) -> None:
        """Take over a report."""
        self.reports[context] = report
        self.note(context, report.heads)

    def note(self, context: str, heads: Mapping[int, int]) -> None:
        """Take over positions of a context's events."""
        known = self.heads.setdefault(context, {})
        known.update({number: max(head, known.get(number, 0)) for number, head in heads.items()})

    def is_quiet(self, context: str, clock: TenantClock) -> bool:
        """Whether a context has nothing left to do at `clock`, for all that is known."""
        report = self.reports.get(context)
        return report is not None and is_quiet(report, clock, self.heads)

    def query(self, tenant_id: str, context: str, clock: TenantClock) -> ProgressQuery:
        """What to ask a context."""
        report = self.reports.get(context)
        heads = {name: dict(known) for name, known in self.heads.items()}
        return ProgressQuery(tenant_id, heads, clock, report.settled_position if report else None, WAIT_S)


@dataclass(frozen=True, slots=True)
class Leaps:
    """The advances of all tenants, each by itself.

    `contexts`: those that follow test clocks, with this one; all of them must know of an advance before its
    first step. `idle`: those of them that have no timers and react to nothing but the clock: they need not
    follow each step.
    """

    store: Store
    progress: ProgressReader
    contexts: Sequence[str]
    idle: Sequence[str]
    partitions: int
    leadership: Leadership
    sleeper: Sleeper
    clock_changes: Signal

    @classmethod
    def of(
        cls, tools: ServiceDependencies[ServiceSettings], contexts: Sequence[str], idle: Sequence[str]
    ) -> Self:
        """The advances of a process."""
        return cls(
            store=tools.store,
            progress=tools.progress,
            contexts=contexts,
            idle=idle,
            partitions=tools.settings.broker_partitions,
            leadership=tools.leadership,
            sleeper=tools.sleeper,
            clock_changes=tools.clock_changes,
        )

    async def run(self) -> None:
        """Run for ever: wait for the lease, then advance the clocks of all tenants side by side."""
        await restart_with_backoff("advances of test clocks", self._lead, self.sleeper)

    async def _lead(self) -> None:
        try:
            await self._acquire_lease()
        except ExceptionGroup as errors:  # of the task group; an advance lets none out, so it is one
            raise errors.exceptions[0] from errors

    async def _acquire_lease(self) -> None:
        async with (
            self.leadership.acquire(f"leaps:{self.store.context}") as lease,
            asyncio.TaskGroup() as group,
        ):
            leaps: dict[str, asyncio.Task[None]] = {}
            while True:
                changed = self.clock_changes.event()
                lease.check()
                leaps = {tenant: task for tenant, task in leaps.items() if not task.done()}
                for tenant_id in await self.store.advancing_tenants():
                    if tenant_id not in leaps:
                        leaps[tenant_id] = group.create_task(self._advance_safely(tenant_id, lease))
                await self.sleeper.sleep(SEARCH_INTERVAL_S, changed)

    async def _advance_safely(self, tenant_id: str, lease: Lease) -> None:
        """Advance to the target. After an error end, and be started again: it concerns this tenant only."""
        try:
            await self.advance(tenant_id, lease)
        except Exception as error:  # of any kind
            _log.warning("an advance is interrupted", exc_info=error, extra={"tenant": tenant_id})
            await self.sleeper.sleep(RESTART_PAUSE_S)

    async def advance(self, tenant_id: str, lease: Lease | None = None) -> None:
        """Move one tenant's clock to its target, step by step."""
        known = Knowledge()
        contexts = self.contexts
        while (clock := await self.store.test_clock(tenant_id)) and clock.target is not None:
            await self._wait_until_quiet(tenant_id, clock, contexts, known)
            if lease is not None:
                lease.check()
            receipt = await self._take(tenant_id, _next_step(clock, clock.target, known.reports))
            for at in receipt.positions:
                known.note(self.store.context, {partition_of(at.slot, self.partitions): at.position})
            contexts = [context for context in self.contexts if context not in self.idle]

    async def state(self, tenant_id: str) -> TestClockState:
        """The state of a tenant's test clock."""
        return (await UnitOfWork(self.store).stream(tenant_id, clock_id(tenant_id))).state(TEST_CLOCK)

    async def waiting_for(self, tenant_id: str, state: TestClockState) -> list[str]:
        """What an advance is waiting for at the moment, for people; empty when the clock stands."""
        if not isinstance(state, AdvancingClock):
            return []
        clock = TenantClock(state.now, state.target)
        nothing = ProgressQuery(tenant_id, {}, None, None, 0)
        found = await asyncio.gather(*(self._try(context, nothing) for context in self.contexts))
        answers = dict(zip(self.contexts, found, strict=True))
        heads = {context: report.heads for context, report in answers.items() if report is not None}
        return [
            f"{context} {reason}"
            for context, report in answers.items()
            for reason in _reasons(report, clock, heads)
        ]

    async def wait_until_followed(self, tenant_id: str, heads: Heads) -> None:
        """Wait until all contexts have received events of this one up to `heads`.

        Raises TestClockIsAdvancing after FOLLOWED_WITHIN_S.
        """
        deadline, missing = self.sleeper.elapsed() + FOLLOWED_WITHIN_S, list(self.contexts)
        query = ProgressQuery(tenant_id, heads, None, BEYOND_ALL, WAIT_S)  # not asked for events
        while missing and self.sleeper.elapsed() < deadline:
            answers = await asyncio.gather(*(self._try(context, query) for context in missing))
            missing = [
                context
                for context, report in zip(missing, answers, strict=True)
                if report is None or behind(report.inbox, heads)
            ]
            if None in answers:
                await self.sleeper.sleep(PAUSE_S)
        if missing:
            detail = f"the advance is recorded, and not yet received by {', '.join(missing)}"
            raise TestClockIsAdvancing(detail)

    async def _wait_until_quiet(
        self, tenant_id: str, clock: TenantClock, contexts: Sequence[str], known: Knowledge
    ) -> None:
        """Ask contexts, again if others have news for them, until none has anything left to do at `clock`."""
        asked: dict[asyncio.Task[None], str] = {}
        try:
            while noisy := [context for context in contexts if not known.is_quiet(context, clock)]:
                for context in noisy:
                    if context not in asked.values():
                        asked[asyncio.create_task(self._learn_progress(tenant_id, context, clock, known))] = (
                            context
                        )
                done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del asked[task]
                    task.result()
        finally:
            for task in asked:
                task.cancel()

    async def _learn_progress(
        self, tenant_id: str, context: str, clock: TenantClock, known: Knowledge
    ) -> None:
        """Learn the progress of a context; a pause follows if it does not answer, or is not done in time."""
        query = known.query(tenant_id, context, clock)
        report = await self._try(context, query)
        if report is None:
            await self.sleeper.sleep(UNAVAILABLE_PAUSE_S)
            return
        known.learn(context, report)
        if not is_quiet(report, clock, query.heads):
            await self.sleeper.sleep(PAUSE_S)

    async def _try(self, context: str, query: ProgressQuery) -> TenantProgress | None:
        try:
            return await self.progress.tenant_progress(context, query)
        except FeedUnavailable as error:
            _log.info("a context does not report", extra={"feed": context, "cause": str(error)})
            return None

    async def _take(self, tenant_id: str, command: MoveTestClock | FinishAdvance) -> CommitReceipt:
        """Commit a step; empty if another process has taken it."""
        instant = command.to if isinstance(command, MoveTestClock) else command.at
        metadata = Metadata(
            correlation_id=clock_id(tenant_id), actor=self.store.context, occurred_at=instant, test_clock=True
        )

        async def work(unit: UnitOfWork) -> None:
            await set_test_clock(unit.session(tenant_id, metadata), command)

        _, receipt = await transact(self.store, work)
        return receipt


def _next_step(
    clock: TenantClock, target: datetime, reports: Mapping[str, TenantProgress]
) -> MoveTestClock | FinishAdvance:
    """To the earliest instant at which any context has something due, at most to the target."""
    if clock.now == target:
        overdue = {context: one.activity.timers_set_aside for context, one in reports.items()}
        return FinishAdvance(
            at=target, overdue={context: count for context, count in overdue.items() if count}
        )
    due = (report.activity.next_due_at for report in reports.values())
    return MoveTestClock(
        at=clock.now, to=min((at for at in due if at is not None and at < target), default=target)
    )


def _reasons(report: TenantProgress | None, clock: TenantClock, heads: Heads) -> list[str]:
    if report is None:
        return ["does not answer"]
    activity = report.activity
    reasons = [f"has not received all of {context}" for context in behind(report.inbox, heads)]
    if activity.clock != clock:
        reasons.append("has not received the last step of the clock")
    if activity.timers_due:
        reasons.append(f"has {activity.timers_due} timers due at {clock.now.isoformat()}")
    if activity.timers_set_aside:
        reasons.append(f"has {activity.timers_set_aside} timers that fail; the clock goes on without them")
    return reasons
