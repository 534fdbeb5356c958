"""The world of one seed: hosts, what is durable, time, and the life that its plan prescribes."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.payments.gateways.sandbox.ledger import MemorySandboxLedger
from shared.billing.contracts import CONTEXTS, CONTRACTS, TOPICS
from shared.framework.core.ids import partition_of
from shared.framework.eventstore import retry_lock
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, EventRecord
from shared.framework.messaging.memory import MemoryBroker
from shared.framework.testing.simulated_loop import SimulatedLoop
from tests.simulation.client import Answer, Client, Forgotten, Remembered, Request
from tests.simulation.dice import Dice
from tests.simulation.plan import CALM, Plan, Step, Weather
from tests.simulation.ports import Leases, WorldIds, set_false
from tests.simulation.process import Host, Process
from tests.simulation.services import CURRENT

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
Action = Callable[[Client, Step], Coroutine[Any, Any, bool]]
SERVICES = (*CONTEXTS, "projections")
CALLBACKS_MAX = 3_000_000
REST_S = 900.0
"""Virtual seconds in which everything must come to rest once faults have stopped.

A timer that has failed often waits for five minutes.
"""


class Violation(Exception):
    """Something that must always hold does not; the message names it and the ids."""


class _Clock:
    """The world's own clock, by which databases and the broker's servers go."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()


class _Broker(MemoryBroker):
    def cluster(self) -> str:
        """The cluster id, without a connection."""
        return f"memory-{self._generation}"


class _LoopSleeper:
    """For durable fakes: waits by the loop's time, whoever waits."""

    def __init__(self, world: "World") -> None:
        self._world = world

    async def sleep(self, seconds: float, wake: Any = None) -> bool:
        future = self._world.loop.create_future()
        handle = self._world.loop.call_later(seconds, set_false, future)
        wake._waiters.append(future)
        try:
            return bool(await future)
        finally:
            handle.cancel()
            wake._waiters.remove(future)

    def elapsed(self) -> float:
        return self._world.loop.time()


@dataclass(eq=False)
class World:
    """Everything of one seed."""

    plan: Plan
    weather: Weather = CALM
    story: list[str] = field(default_factory=list)
    answers: list[tuple[Request, Answer]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    """What clients remember, by name."""
    remembered: list[Remembered] = field(default_factory=list)
    acknowledged: list[tuple[Step, str]] = field(default_factory=list)
    """The steps that succeeded, each with the context that answered."""
    actions: Mapping[str, Mapping[str, Action]] = field(default_factory=dict)
    images: dict[str, Any] = field(default_factory=dict)
    """The newest backup of a context, by its name."""
    restores: list[Any] = field(default_factory=list)
    forgotten: dict[str, list[tuple[str, Any, Any]]] = field(default_factory=dict)
    """By step, what clients no longer count on after a restore: kind, name and what it was."""
    left_behind: set[str] = field(default_factory=set)
    """Tenants with a timer that failed so often that their test clock may have gone on without it."""
    is_stopped: bool = False
    """Whether no service may start."""
    ended: list[str] = field(default_factory=list)
    """Background tasks that ended with an error."""

    def __post_init__(self) -> None:
        retry_lock._locks.clear()
        self.dice = Dice(self.plan.seed, "world")
        schedule = Dice(self.plan.seed, "schedule")
        self.beginning = BEGINNING
        self.leapt_s = 0.0
        self.loop = SimulatedLoop(schedule.below, self._before_callback)
        self.ids, self.leases, self.ledger = WorldIds(), Leases(), MemorySandboxLedger()
        clock = _Clock(self)
        self.stores = {context: MemoryEventStore(context, clock, CONTRACTS) for context in SERVICES}
        self.broker = _Broker(_LoopSleeper(self))
        self.cursors: dict[str, int] = {}
        self.heads: dict[tuple[str, int], int] = {}
        """The last position in each partition of each context."""
        self.hosts = [
            Host(f"{context}-{number}", context)
            for context in SERVICES
            for number in range(self.plan.replicas.get(context, 1))
        ]
        self.clients: dict[Any, Step] = {}
        self.blocked: list[tuple[Step, Action]] = []
        self.unfinished_steps = {step.name: None for step in self.plan.steps}
        self.succeeded: dict[str, None] = {}
        self.is_faulty = False
        for host in self.hosts:
            self.start(host)

    # ---- time

    def now(self) -> datetime:
        """The true time: the loop's, and what was leapt while everything rested."""
        return self.beginning + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """The true time in seconds since the beginning."""
        return self.leapt_s + self.loop.time()

    def run(self, for_s: float) -> None:
        """Let time pass, work or no work."""
        self.loop.run_while(lambda: True, self.loop.time() + for_s)

    def rest(self, within_s: float, *, is_last: bool = False, with_read_side: bool = True) -> bool:
        """Run until nothing is left to do; False if it takes longer. `is_last`: totals are published too.

        Without the read side the true time may leap while events are not shown yet.
        """
        hosts = [host for host in self.hosts if with_read_side or host.context != "projections"]

        def is_busy() -> bool:
            return self.is_busy(hosts) or (is_last and self.has_unpublished_usage())

        return not self.loop.run_while(is_busy, self.loop.time() + within_s)

    def leap(self, to_s: float) -> None:
        """Move the true time while everything rests, and let due timers fire at once."""
        if to_s > self.seconds():
            self.leapt_s = to_s - self.loop.time() + 1e-6  # never a microsecond short of a timer
        for host in self.hosts:
            if (
                host.process is not None
                and host.process.timers is not None
                and self.has_due_timers(host.context)
            ):
                host.process.timers.wake.set()

    def next_timer_s(self) -> float | None:
        """When the next timer of the system's clock is due, in seconds since the beginning."""
        due = [
            timer.due_at
            for store in self.stores.values()
            for timer in store._timers.values()
            if not timer.test_clock and timer.due_at > self.now()
        ]
        return (min(due) - self.beginning).total_seconds() if due else None

    # ---- rest

    def is_busy(self, hosts: Sequence[Host]) -> bool:
        """Whether something that was caused has not happened yet in these hosts."""
        return bool(self.clients) or self.unfinished(hosts) is not None

    def unfinished(self, hosts: Sequence[Host]) -> str | None:
        """Some work that is not done, for people; None if there is none."""
        for host in hosts:
            if host.process is None or not host.process.is_ready or host.is_paused:
                return f"{host.name} does not run"
        for context, store in self.stores.items():
            if context in TOPICS and store._records and self.cursors.get(context, 0) < store._positions[-1]:
                return f"{context} has not published everything"
            if store._timers and self.has_due_timers(context):
                return f"{context} has a due timer"
            if any(clock.target is not None for clock in store._clocks.values()):
                return f"a test clock advances in {context}"
        for host in hosts:
            if behind := self._behind(host):
                return behind
        metering = self.stores["metering"].tables
        if any(one.joined_from is None for one in metering.get("meters", {}).values()):
            return "a meter is not backfilled"
        return None

    def has_unpublished_usage(self) -> bool:
        """Whether totals of usage wait to be published, which happens every half second."""
        return bool(self.stores["metering"].tables.get("changed_days"))

    def has_due_timers(self, context: str) -> bool:
        """Whether a timer of this context is due, even one that has failed and waits."""
        store, now = self.stores[context], self.now()
        for timer in store._timers.values():
            test_clock = store._clocks.get(timer.tenant_id)
            tenant_now = now if not timer.test_clock else None if test_clock is None else test_clock.now
            if tenant_now is not None and timer.due_at <= tenant_now:
                return True
        return False

    def _behind(self, host: Host) -> str | None:
        if host.process is None or host.process.service.handler is None:
            return None
        positions, consumer = self.stores[host.context]._inbox_positions, host.context
        for (context, number), head in self.heads.items():
            if context in host.process.service.subscribes_to:
                reached = positions.get((consumer, TOPICS[context], number))
                if reached is None or reached.position < head:
                    return f"{consumer} has not consumed {context} partition {number} up to {head}"
        return None

    # ---- hosts

    def start(self, host: Host) -> None:
        """Start the service of a host, if it does not run."""
        if host.process is None and not self.is_stopped:
            host.starts += 1
            host.crash_after = None
            host.process = Process(self, host)
            host.process.start()

    def crash(self, host: Host, down_s: float) -> None:
        """End a process at once; its tasks and its memory are gone. It is started again after a while."""
        process, host.process = host.process, None
        if process is not None:
            self.note(f"{process.name} crashes")
            process.is_alive = False
            retry_lock._locks.clear()
            self.leases.release_all(process)
            for task in process.tasks:
                task.cancel()
        self.loop.call_later(down_s, self.start, host)

    def task_ended(self, process: Process, name: str, error: Exception) -> None:
        """A background task has ended: so does its process, and the supervisor starts another."""
        if not process.is_alive:
            return
        self.note(f"{process.name}: the task {name} ends: {error!r}")
        self.ended.append(f"{process.name} {name}: {error!r}")
        self.crash(process.host, 1.0)

    def any_process(self, context: str) -> Process | None:
        """A process of a context that answers, drawn by lot."""
        ready = [
            host.process
            for host in self.hosts
            if host.context == context and host.process is not None and host.process.is_ready
        ]
        return self.dice.one_of(ready) if ready else None

    def is_reachable(self, context: str) -> bool:
        """Whether a process of a context answers requests."""
        return any(h.context == context and h.process is not None and not h.is_paused for h in self.hosts)

    def _before_callback(self, context: Any) -> bool:
        process = context.get(CURRENT)
        if process is None:
            return True
        if process.host.is_paused and process.is_alive:
            return False
        host = process.host
        if host.crash_after is not None and process.is_alive:
            host.crash_after -= 1
            if host.crash_after <= 0:
                host.crash_after = None
                self.crash(host, self.dice.between(0.2, 3.0))
        if self.loop.callbacks > CALLBACKS_MAX:
            raise Violation("liveness: the world never comes to rest")
        return True

    # ---- clients

    def perform(self, step: Step, action: Action) -> None:
        """Let a client do a step, once the steps that it follows are over."""
        if any(name in self.unfinished_steps for name in step.after):
            self.blocked.append((step, action))
        elif all(name in self.succeeded for name in step.after):
            self.note(f"{step.name} {step}")
            task = self.loop.create_task(action(Client(self, step), step))
            self.clients[task] = step
            task.add_done_callback(self._performed)
        else:
            self._is_over(step)  # a step that it follows was refused, or left out of the plan

    def _performed(self, task: "asyncio.Task[bool]") -> None:
        step = self.clients.pop(task)
        if not task.cancelled() and task.exception() is not None:
            if not isinstance(task.exception(), Forgotten):
                self.memory.setdefault("broken", []).append(f"{step}: {task.exception()!r}")
        elif not task.cancelled() and task.result():
            self.succeeded[step.name] = None
        self._is_over(step)

    def _is_over(self, step: Step) -> None:
        self.unfinished_steps.pop(step.name, None)
        blocked, self.blocked = self.blocked, []
        for later, action in blocked:
            self.perform(later, action)

    def answered(self, request: Request, answer: Answer, step: Step) -> None:
        """A client has got a final answer."""
        self.answers.append((request, answer))
        if answer.is_ok:
            self.acknowledged.append((step, request.context))

    def ask_again(self, steps: Sequence[Step]) -> None:
        """Let clients do steps again, under their keys and in their order, as after a restore."""
        self.unfinished_steps |= dict.fromkeys(step.name for step in steps)
        for step in steps:
            self.succeeded.pop(step.name, None)
        for step in steps:
            self.perform(step, self.actions[step.capability][step.action])

    def is_put_back(self, step: Step) -> None:
        """A step that is done again was executed before a restore, which has put back what it wrote."""
        for kind, name, what in self.forgotten.pop(step.name, ()):
            self.memory[kind][name] = what
        self.succeeded[step.name] = None

    def committed(self, process: Process, receipt: CommitReceipt) -> None:
        """A process has committed."""
        for at in receipt.positions:
            self.heads[process.context, partition_of(at.slot, self.plan.partitions)] = at.position

    def note(self, line: str) -> None:
        """A line of the story."""
        self.story.append(f"{self.now():%m-%d %H:%M:%S.%f}  {line}")

    # ---- history

    def records(self) -> list[EventRecord]:
        """All events of all contexts."""
        return [record for context in SERVICES for record in self.stores[context]._records]

    def digest(self) -> str:
        """SHA-256 over all events of all contexts, with everything that is stored of them."""
        digest = hashlib.sha256()
        for record in self.records():
            parts = (
                *(record.context, record.tenant_id, record.stream_id, record.version, record.wire_name),
                *(record.position, record.slot, str(record.event_id), record.recorded_at.isoformat()),
            )
            digest.update(repr(parts).encode())
            digest.update(record.state)
            digest.update(msgspec.json.encode(record.metadata))
        return digest.hexdigest()

    def end(self) -> None:
        """Cancel everything that still runs, so that nothing outlives the world."""
        for host in self.hosts:
            if host.process is not None:
                host.process.is_alive = False
                for task in host.process.tasks:
                    task.cancel()
        for task in self.clients:
            task.cancel()
        self.loop.run_while(lambda: False, self.loop.time())
        self.loop.close()
