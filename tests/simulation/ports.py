"""The ports of a process: durable fakes behind calls that take time, fail, and end with the process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.payments.gateways.sandbox.ledger import SandboxCharge, SandboxLedger, SandboxRefund
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import StoreIsUnavailable, VersionConflict
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, FeedPage
from shared.framework.leadership.port import LeadershipLost, Lease
from shared.framework.messaging.feed import FeedUnavailable, InProcessFeeds
from shared.framework.messaging.port import BrokerFailed, Delivery, Message, TopicPartition
from shared.framework.messaging.relay import CursorConflict
from shared.framework.messaging.tenant_progress import ATTEMPTS_HELD, ProgressQuery, TenantProgress
from shared.framework.retry.signal import CommitSignals

if TYPE_CHECKING:
    from tests.simulation.process import Process


UNSTORABLE = "unstorable"
"""Stands for bytes that pass every check and that the database then refuses, as NUL once was."""


class Crashed(BaseException):
    """The process has crashed: nothing that it still does has an effect."""


class SimulatedStore:
    """The event store of a process: calls of its context's durable store."""

    def __init__(self, process: "Process", inner: MemoryEventStore) -> None:
        self.process = process
        self.inner = inner
        self.context = inner.context
        self.contracts = inner.contracts
        self.signals = CommitSignals()

    def __getattr__(self, name: str) -> Any:
        """Every reading method of the inner store, behind a call that may fail."""
        call = getattr(self.inner, name)
        process, weather, dice = self.process, self.process.world.weather, self.process.world.dice

        async def method(*arguments: Any) -> Any:
            await process.step()
            if dice.happens(weather.read_fails):
                process.world.note(f"{process.name}: {name} finds no connection")
                raise StoreIsUnavailable(name) from ConnectionError()
            return await call(*arguments)

        setattr(self, name, method)
        return method

    async def postpone(self, timer_id: str, until: datetime) -> None:
        """Postpone a timer that has failed; after so many attempts its test clock goes on without it."""
        await self.process.step()
        await self.inner.postpone(timer_id, until)
        timer = self.inner._timers.get(timer_id)
        if timer is not None and timer.attempts >= ATTEMPTS_HELD:
            self.process.world.left_behind.add(timer.tenant_id)

    @property
    def tables(self) -> dict[str, dict[Any, Any]]:
        """The side tables, as a subject's own repository sees them."""
        self.process.check()
        return self.inner.tables

    def table(self, name: str) -> dict[Any, Any]:
        """A side table."""
        self.process.check()
        return self.inner.table(name)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Commit, unless a fault prevents it; after a fault the caller may not know."""
        process, world = self.process, self.process.world
        await process.step()
        weather, dice = world.weather, world.dice
        if self.context == "ingest" and _is_unstorable(changes):
            raise ValueError("the database cannot store this")
        if changes.appends and dice.happens(weather.conflict):
            world.note(f"{process.name}: conflict without a cause")
            raise VersionConflict("simulated")
        if dice.happens(weather.commit_lost):
            world.note(f"{process.name}: the connection breaks before the commit of {described(changes)}")
            raise StoreIsUnavailable("before commit") from ConnectionError()
        receipt = await self.inner.commit(changes)
        world.committed(process, receipt)
        await process.step()
        if dice.happens(weather.commit_unknown):
            world.note(f"{process.name}: the connection breaks after the commit of {described(changes)}")
            raise StoreIsUnavailable("after commit") from ConnectionError()
        self.signals.committed(changes)
        return receipt


def _is_unstorable(changes: ChangeSet) -> bool:
    return any(UNSTORABLE in str(event) for append in changes.appends for event in append.events)


def described(changes: ChangeSet) -> str:
    """The events of a change set, for people."""
    names = [type(event).__name__ for append in changes.appends for event in append.events]
    return ", ".join(names) or "no events"


class SimulatedCursor:
    """The relay's cursor of a context."""

    def __init__(self, process: "Process", positions: dict[str, int]) -> None:
        self.process = process
        self.positions = positions

    async def position(self) -> int:
        await self.process.step()
        return self.positions.get(self.process.context, 0)

    async def advance(self, expected: int, position: int) -> None:
        await self.process.step()
        if self.positions.get(self.process.context, 0) != expected:
            raise CursorConflict(f"not at {expected}")
        self.positions[self.process.context] = position
        await self.process.step()


class SimulatedFeeds:
    """The feeds of the other contexts."""

    def __init__(self, process: "Process", inner: InProcessFeeds) -> None:
        self.process = process
        self.inner = inner

    async def page(self, context: str, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        await self._call(context)
        return await self.inner.page(context, partition, partitions, after, limit)

    async def heads(self, context: str, partitions: int) -> dict[int, int]:
        await self._call(context)
        return await self.inner.heads(context, partitions)

    async def _call(self, context: str) -> None:
        await self.process.step()
        world = self.process.world
        if world.dice.happens(world.weather.feed_fails) or not world.is_reachable(context):
            raise FeedUnavailable(context)


class SimulatedProgress:
    """The progress of all contexts, each asked from one of its processes."""

    def __init__(self, process: "Process") -> None:
        self.process = process

    async def tenant_progress(self, context: str, query: ProgressQuery) -> TenantProgress:
        await self.process.step()
        asked = self.process.world.any_process(context)
        if asked is None or asked.reporter is None:
            raise FeedUnavailable(context)
        answer: asyncio.Future[TenantProgress | None] = self.process.world.loop.create_future()

        def done(task: "asyncio.Task[TenantProgress]") -> None:
            if not answer.done():
                failed = task.cancelled() or task.exception() is not None
                answer.set_result(None if failed else task.result())

        asked.spawn(asked.reporter.report(query)).add_done_callback(done)
        report = await answer
        if report is None:
            raise FeedUnavailable(context)
        return report


class SimulatedBroker:
    """The broker as a process reaches it: messages are lost, doubled and late by the weather."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.inner = process.world.broker

    async def cluster_id(self) -> str:
        await self.process.step()
        return await self.inner.cluster_id()

    async def producer(self) -> "_Producer":
        await self.process.step()
        await self.inner.producer()
        return _Producer(self, await self.inner.cluster_id())

    async def subscriber(self, starts: Mapping[TopicPartition, int | None]) -> "_Subscriber":
        await self.process.step()
        return _Subscriber(self, await self.inner.subscriber(starts))


class _Producer:
    def __init__(self, broker: SimulatedBroker, cluster_id: str) -> None:
        self.broker = broker
        self.cluster_id = cluster_id

    async def send_batch(self, messages: Sequence[Message]) -> None:
        process, inner = self.broker.process, self.broker.inner
        world = process.world
        for message in messages:
            if await inner.cluster_id() != self.cluster_id:
                raise BrokerFailed("another cluster")
            process.check()
            if world.dice.happens(world.weather.message_late):
                world.loop.call_later(
                    world.dice.between(0.01, 3.0), _store_late, inner, message, self.cluster_id
                )
            elif not world.dice.happens(world.weather.message_lost):
                inner.store(message)
                if world.dice.happens(world.weather.message_doubled):
                    inner.store(message)
        await process.step()

    async def close(self) -> None:
        return None


def _store_late(broker: Any, message: Message, cluster_id: str) -> None:
    if broker.is_up and cluster_id == broker.cluster():
        broker.store(message)


class _Subscriber:
    def __init__(self, broker: SimulatedBroker, inner: Any) -> None:
        self.broker = broker
        self.inner = inner

    async def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        process = self.broker.process
        process.check()
        if process.context == "projections" and (pause_s := process.world.plan.read_side_pause_s):
            await process.sleeper.sleep(pause_s)
        found: Sequence[Delivery] = await self.inner.poll(limit, wait_s)
        await self.broker.process.step()
        return found

    async def close(self) -> None:
        return None


class SimulatedLedger:
    """The gateway's ledger, which is durable: a call that has arrived has its effect even after a crash."""

    def __init__(self, process: "Process", inner: SandboxLedger) -> None:
        self.process = process
        self.inner = inner

    async def get_or_create(self, key: str, card: str, create: Any) -> tuple[SandboxCharge, bool]:
        await self.process.step()
        made = await self.inner.get_or_create(key, card, create)
        await self.process.step()
        return made

    async def find(self, key_or_reference: str) -> SandboxCharge | None:
        await self.process.step()
        return await self.inner.find(key_or_reference)

    async def complete_late(self, key: str, charged_at: datetime) -> None:
        await self.process.step()
        await self.inner.complete_late(key, charged_at)
        await self.process.step()

    async def refund(self, refund: SandboxRefund) -> bool:
        await self.process.step()
        made = await self.inner.refund(refund)
        await self.process.step()
        return made

    async def charges(self) -> Sequence[SandboxCharge]:
        return await self.inner.charges()

    async def refunds(self) -> Sequence[SandboxRefund]:
        return await self.inner.refunds()


class Leases:
    """The leases of all contexts, each held by one process at a time, or by two after `grant_again`."""

    def __init__(self) -> None:
        self.holders: dict[str, _Lease] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def acquire(self, process: "Process", name: str) -> AsyncIterator[Lease]:
        """Wait for the lease; it ends with the block or with the process."""
        await process.step()
        while (held := self.holders.get(name)) and held.process.is_alive:
            future = process.world.loop.create_future()
            self._waiting.setdefault(name, []).append(future)
            await future
        lease = self.holders[name] = _Lease(process, name)
        try:
            yield lease
        finally:
            if self.holders.get(name) is lease:
                del self.holders[name]
                self._wake(name)

    def grant_again(self, name: str) -> bool:
        """Give the lease to a process that waits, while its holder goes on; whether there was one."""
        if name not in self.holders or not self._waiting.get(name):
            return False
        del self.holders[name]
        self._wake(name)
        return True

    def revoke(self, name: str) -> None:
        """Let the holder find at its next check that the lease is lost."""
        if held := self.holders.get(name):
            held.is_lost = True

    def release_all(self, process: "Process") -> None:
        """End the leases of a process that has crashed."""
        for name in [name for name, lease in self.holders.items() if lease.process is process]:
            del self.holders[name]
            self._wake(name)

    def _wake(self, name: str) -> None:
        for future in self._waiting.pop(name, []):
            if not future.done():
                future.set_result(None)


class _Lease:
    def __init__(self, process: "Process", name: str) -> None:
        self.process = process
        self.name = name
        self.is_lost = False

    def check(self) -> None:
        self.process.check()
        if self.is_lost:
            raise LeadershipLost(self.name)


class SimulatedLeadership:
    """The leases as one process reaches them."""

    def __init__(self, process: "Process") -> None:
        self.process = process

    def acquire(self, name: str) -> Any:
        return self.process.world.leases.acquire(self.process, f"{self.process.context} {name}")


class SimulatedClock:
    """The system's clock of one process, which may be wrong by its host's skew."""

    def __init__(self, process: "Process") -> None:
        self.process = process

    def now(self) -> datetime:
        return self.process.world.now() + self.process.host.skew


class SimulatedSleeper:
    """Waits by the loop's virtual time."""

    def __init__(self, process: "Process") -> None:
        self.process = process
        self.loop = process.world.loop

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        self.process.check()
        if wake is not None and wake.is_set():
            return True
        future: asyncio.Future[Any] = self.loop.create_future()
        handle = self.loop.call_later(max(seconds, 0.0), set_false, future)
        if wake is not None:
            wake._waiters.append(future)
        try:
            return bool(await future)
        finally:
            handle.cancel()
            if wake is not None:
                wake._waiters.remove(future)
            self.process.check()

    def elapsed(self) -> float:
        return self.loop.time()


def set_false(future: "asyncio.Future[Any]") -> None:
    """End a wait by time."""
    if not future.done():
        future.set_result(False)


class WorldIds:
    """New ids of the whole world in the order in which they are asked for."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}_{self.count:026d}"
