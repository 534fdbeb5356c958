"""A process of the world: one incarnation of a service on a host, from its start to its crash."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from shared.framework.eventstore.ports import StoreIsUnavailable
from shared.framework.http.read_your_writes import NoUpstreamPositions
from shared.framework.messaging.feed import InProcessFeeds
from shared.framework.messaging.tenant_progress import ProgressReporter
from shared.framework.process.background_tasks import background_tasks
from shared.framework.process.service_definition import ServiceDefinition, ServiceDependencies
from shared.framework.timers.ready_clock import ReadyClock
from tests.simulation.databases import resume_streams
from tests.simulation.ports import (
    Crashed,
    SimulatedBroker,
    SimulatedClock,
    SimulatedCursor,
    SimulatedFeeds,
    SimulatedLeadership,
    SimulatedLedger,
    SimulatedProgress,
    SimulatedSleeper,
    SimulatedStore,
)
from tests.simulation.services import CURRENT, build, settings_of

if TYPE_CHECKING:
    from tests.simulation.world import World


LEFT_OUT = {"event_loop_lag"}
"""Tasks that a process of the world does without: on virtual time no callback is ever late."""


@dataclass(slots=True)
class Host:
    """Where a service runs: its process, if one is alive, and the error of its clock."""

    name: str
    context: str
    process: "Process | None" = None
    skew: timedelta = timedelta(0)
    is_paused: bool = False
    starts: int = 0
    crash_after: int | None = None
    """The number of callbacks after which the process crashes."""


@dataclass(eq=False)
class Process:
    """One incarnation. Its memory is what hangs on it; its ports lead to what is durable."""

    world: "World"
    host: Host
    is_alive: bool = True
    is_ready: bool = False
    tasks: dict["asyncio.Task[Any]", None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world, self.context = self.world, self.host.context
        self.name = f"{self.host.name}#{self.host.starts}"
        self.store = SimulatedStore(self, world.stores[self.context])
        self.clock, self.sleeper, self.ids = SimulatedClock(self), SimulatedSleeper(self), world.ids
        self.feeds = SimulatedFeeds(self, InProcessFeeds(world.stores))
        self.ledger = SimulatedLedger(self, world.ledger)
        self.progress, self.leadership = SimulatedProgress(self), SimulatedLeadership(self)
        self.clock_waiter = ReadyClock(cast(Any, self.store), self.sleeper, self.store.signals.clock_changes)
        self.reporter: ProgressReporter | None = None
        self.waiter: Any = NoUpstreamPositions()
        self.service = ServiceDefinition()
        self.timers: Any = None
        self._context = contextvars.copy_context()
        self._context.run(CURRENT.set, self)

    def check(self) -> None:
        """Raise Crashed if this process has crashed."""
        if not self.is_alive:
            raise Crashed(self.name)

    async def step(self) -> None:
        """Pass time before or after a call of a port: none, a turn of others, or up to two seconds."""
        if not self.is_alive:
            raise Crashed(self.name)
        weather, dice = self.world.weather, self.world.dice
        if weather.suspends and dice.random() < weather.suspends:
            slow = dice.random() < weather.slow
            await asyncio.sleep(dice.between(0.0, 2.0) if slow else 0)
            if not self.is_alive:
                raise Crashed(self.name)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """A task of this process."""
        task = self.world.loop.create_task(work, context=self._context)
        self.tasks[task] = None
        task.add_done_callback(lambda done: self.tasks.pop(done, None))
        return task

    def start(self) -> None:
        """Build the service and run its background tasks."""
        self.spawn(self._run())

    async def _run(self) -> None:
        try:
            self.service = await build(self.context, self._tools())
            await resume_streams(self)
        except StoreIsUnavailable:
            return self.world.crash(self.host, 1.0)  # as the supervisor does after a failed start
        tasks = background_tasks(
            self.service,
            self._tools(),
            cast(Any, self.store),
            broker=SimulatedBroker(self),
            cursor=SimulatedCursor(self, self.world.cursors),
        )
        self.reporter = ProgressReporter(
            cast(Any, self.store),
            tasks.consumer,
            self.world.plan.partitions,
            self.sleeper,
            self.store.signals.commits,
        )
        self.timers = tasks.timers
        self.waiter = tasks.consumer or NoUpstreamPositions()
        for name, task in tasks.tasks(self.service).items():
            if name not in LEFT_OUT:
                self.spawn(self._background(name, task))
        self.is_ready = True
        return None

    async def _background(self, name: str, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await task()
        except Exception as error:
            self.world.task_ended(self, name, error)

    def _tools(self) -> ServiceDependencies[Any]:
        store: Any = self.store
        return ServiceDependencies(
            context=self.context,
            settings=settings_of(self.context, self.world.plan.partitions),
            pool=store,
            store=store,
            clock=self.clock,
            ids=self.ids,
            sleeper=self.sleeper,
            feeds=self.feeds,
            authenticator=cast(Any, None),
            progress=self.progress,
            leadership=self.leadership,
            commits=self.store.signals.commits,
            clock_changes=self.store.signals.clock_changes,
        )
