"""Unit of work: load streams, decide, and commit all changes in one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

import msgspec

from shared.framework.core.clock import Clock
from shared.framework.core.decider import Decider
from shared.framework.core.event import Event, Metadata
from shared.framework.core.ids import NAMESPACE
from shared.framework.eventstore.ports import EventStore, StreamIsBusy, TenantClocks, VersionConflict
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    ClockChange,
    CommitReceipt,
    EventRecord,
    SideWrite,
    StreamHistory,
    TenantClock,
    Timer,
)
from shared.framework.eventstore.retry_lock import serialize_retries

S = TypeVar("S")
C = TypeVar("C")
T = TypeVar("T")

APPEND_ATTEMPTS_MAX = 8


def event_id_of(stream_id: str, version: int) -> UUID:
    """The id (UUIDv5) of an event, derived from its stream and version, so that it can be verified."""
    return uuid5(NAMESPACE, f"{stream_id}:{version}")


@dataclass(slots=True)
class _Stream:
    """A loaded stream with the events that this unit of work adds, and its state for each decider."""

    events: list[Event]
    version: int
    folds: dict[int, tuple[Any, int]] = field(default_factory=dict)
    """id(decider) -> its state, and the number of events folded into it."""

    def state(self, decider: Decider[S, Any, Any]) -> S:
        """The state of the stream; only events that this decider has not folded yet are folded."""
        folded, count = self.folds.get(id(decider), (decider.initial, 0))
        state: S = decider.fold(self.events[count:], folded)
        self.folds[id(decider)] = (state, len(self.events))
        return state


class UnitOfWork:
    """Loads each stream once, and collects the changes of one transaction."""

    def __init__(self, store: EventStore) -> None:
        """A unit of work without changes."""
        self.store = store
        self.changes = ChangeSet()
        self._streams: dict[tuple[str, str], _Stream] = {}

    def session(self, tenant_id: str, metadata: Metadata) -> "Session":
        """This unit of work for one tenant; `metadata` is written on the events."""
        return Session(self, tenant_id, metadata)

    async def stream(self, tenant_id: str, stream_id: str) -> _Stream:
        """A stream with the events that this unit of work adds; loaded at the first call."""
        key = (tenant_id, stream_id)
        if key not in self._streams:
            history = await self.store.load(tenant_id, stream_id)
            added = self._added(tenant_id, stream_id)
            self._streams[key] = _Stream([*history.events, *added], history.version + len(added))
        return self._streams[key]

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """The version of a stream with the events that this unit of work adds, without loading it."""
        if stream := self._streams.get((tenant_id, stream_id)):
            return stream.version
        return await self.store.version(tenant_id, stream_id) + len(self._added(tenant_id, stream_id))

    async def newest(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """The version of a stream and its last event, with the events that this unit of work adds."""
        if stream := self._streams.get((tenant_id, stream_id)):
            return StreamHistory(tuple(stream.events[-1:]), stream.version)
        stored, added = await self.store.newest(tenant_id, stream_id), self._added(tenant_id, stream_id)
        return StreamHistory(tuple(added[-1:]) or stored.events, stored.version + len(added))

    def add(self, append: Append) -> None:
        """Add events to the changes, and to the stream if it is loaded."""
        self.changes.appends.append(append)
        if stream := self._streams.get((append.tenant_id, append.stream_id)):
            stream.events.extend(append.events)
            stream.version += len(append.events)

    def _added(self, tenant_id: str, stream_id: str) -> list[Event]:
        appends = (a for a in self.changes.appends if (a.tenant_id, a.stream_id) == (tenant_id, stream_id))
        return [event for append in appends for event in append.events]

    async def commit(self) -> CommitReceipt:
        """Commit the changes. Raises what EventStore.commit raises."""
        return await self.store.commit(self.changes)


@dataclass(frozen=True, slots=True)
class Session:
    """A unit of work as handlers, reactions and timers use it: for one tenant, with one metadata."""

    work: UnitOfWork
    tenant_id: str
    metadata: Metadata

    @property
    def now(self) -> datetime:
        """The tenant's time at which this happens: `occurred_at` of the metadata."""
        return self.metadata.occurred_at

    async def state(self, decider: Decider[S, Any, Any], stream_id: str) -> S:
        """The state of a stream, with the events that this session adds."""
        return (await self.work.stream(self.tenant_id, stream_id)).state(decider)

    async def version(self, stream_id: str) -> int:
        """The version of a stream; its events are not read."""
        return await self.work.version(self.tenant_id, stream_id)

    async def newest(self, stream_id: str) -> StreamHistory:
        """The version of a stream and its last event; the others are not read."""
        return await self.work.newest(self.tenant_id, stream_id)

    async def handle(self, decider: Decider[S, C, Any], stream_id: str, command: C) -> Sequence[Event]:
        """Let the decider handle a command, and add its events to the changes; returns the events.

        Raises what `decide` raises: a Refusal.
        """
        stream = await self.work.stream(self.tenant_id, stream_id)
        events: tuple[Event, ...] = tuple(decider.decide(stream.state(decider), command))
        if events:
            self.append(stream_id, stream.version, events)
        return events

    def append(
        self, stream_id: str, expected: int, events: Sequence[Event], *, slot_key: str | None = None
    ) -> None:
        """Add events without a decider, for streams that are no aggregate, such as batches."""
        self.work.add(
            Append(self.tenant_id, stream_id, expected, tuple(events), self.metadata, slot_key=slot_key)
        )

    def schedule(self, timer_id: str, due_at: datetime, purpose: str, payload: dict[str, Any]) -> None:
        """Set a timer; `timer_id` is derived from its cause. A timer with this id stays as it is."""
        timer = Timer(timer_id, self.tenant_id, due_at, purpose, payload, self.metadata)
        self.work.changes.timers.append(timer)

    def complete_timer(self, timer_id: str) -> None:
        """Remove a timer. The commit raises TimerAlreadyDone if it does not exist."""
        self.work.changes.timers_done.append(timer_id)

    def set_clock(self, change: ClockChange) -> None:
        """Set the tenant's test clock in this context."""
        clocks = self.work.changes.clocks
        clocks[self.tenant_id] = change.after(clocks.get(self.tenant_id))

    def require_clock(self) -> None:
        """Let the commit fail unless the tenant's test clock, if it has one, still stands at `now`.

        For commands: events and timers belong to their own instant, whatever the clock shows.
        """
        if self.metadata.test_clock:
            self.work.changes.clocks_seen[self.tenant_id] = self.now

    def add_side_write(self, write: SideWrite) -> None:
        """Add a write of own rows, which runs inside the commit (see SideWrite)."""
        self.work.changes.side_writes.append(write)


async def transact(
    store: EventStore, work: Callable[[UnitOfWork], Awaitable[T]], *, attempts_max: int = APPEND_ATTEMPTS_MAX
) -> tuple[T, CommitReceipt]:
    """Run `work` on a new unit of work and commit it; returns the result of `work` and the receipt.

    After VersionConflict `work` runs again on a fresh unit of work, at most `attempts_max` times in all, one
    retry per stream at a time (retry_lock.py). `work` must not call `transact` itself. Raises StreamIsBusy
    after the last attempt, and what `work` and the store raise.
    """
    conflicting: frozenset[str] = frozenset()
    for _ in range(attempts_max):
        unit = UnitOfWork(store)
        async with serialize_retries(store.context, conflicting) if conflicting else nullcontext():
            result = await work(unit)
            try:
                return result, await unit.commit()
            except VersionConflict:
                conflicting = frozenset(append.stream_id for append in unit.changes.appends)
    raise StreamIsBusy(f"{attempts_max} attempts")


def caused_by(record: EventRecord, occurred_at: datetime) -> Metadata:
    """Metadata of a consequence of an event: the same correlation and actor, caused by that event."""
    return msgspec.structs.replace(
        record.metadata, causation_id=str(record.event_id), occurred_at=occurred_at
    )


def consequence_time(metadata: Metadata, system_now: datetime) -> datetime:
    """When a consequence of an event happens: under a test clock at the time of the event, else now.

    So after a test clock has moved a year ahead, every consequence has the time that it would have had,
    whatever the order in which the services catch up.
    """
    return metadata.occurred_at if metadata.test_clock else max(system_now, metadata.occurred_at)


async def metadata_now(clocks: TenantClocks, clock: Clock, tenant_id: str, **origin: Any) -> Metadata:
    """Metadata of a write that no event caused, at the tenant's now: its test clock's, else the system's.

    `origin`: correlation_id, actor and what else Metadata says of where the write comes from.
    """
    return metadata_at(await clocks.test_clock(tenant_id), clock, **origin)


def metadata_at(test_clock: TenantClock | None, clock: Clock, **origin: Any) -> Metadata:
    """As `metadata_now`, for a test clock that has been read."""
    now = clock.now() if test_clock is None else test_clock.now
    return Metadata(occurred_at=now, test_clock=test_clock is not None, **origin)
