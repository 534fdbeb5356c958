"""Read, fold, decide, and write everything that followed as one."""

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
    CommitReceipt,
    EventRecord,
    SideWrite,
    Timer,
)
from shared.framework.eventstore.retry_lock import serialize_retries

S = TypeVar("S")
C = TypeVar("C")
T = TypeVar("T")

APPEND_ATTEMPTS_MAX = 8


def event_id_of(stream_id: str, version: int) -> UUID:
    """The identity of an event: named by its place, so that it needs no dice and can be checked."""
    return uuid5(NAMESPACE, f"{stream_id}:{version}")


@dataclass(slots=True)
class _Stream:
    """A stream as this work knows it, and what each decider has folded of it so far."""

    events: list[Event]
    version: int
    folds: dict[int, tuple[Any, int]] = field(default_factory=dict)
    """By the decider's identity: its state, and how many of the events are in it."""

    def state(self, decider: Decider[S, Any, Any]) -> S:
        """The decider's state of the stream; only events that are new to it are folded."""
        known, count = self.folds.get(id(decider), (decider.initial, 0))
        state: S = decider.fold(self.events[count:], known)
        self.folds[id(decider)] = (state, len(self.events))
        return state


class UnitOfWork:
    """Loads each stream once, and gathers what will be committed together."""

    def __init__(self, store: EventStore) -> None:
        """Begin with nothing to write."""
        self.store = store
        self.changes = ChangeSet()
        self._streams: dict[tuple[str, str], _Stream] = {}

    def session(self, tenant_id: str, metadata: Metadata) -> "Session":
        """The same work on behalf of one tenant, for one reason."""
        return Session(self, tenant_id, metadata)

    async def stream(self, tenant_id: str, stream_id: str) -> _Stream:
        """A stream's events and version, with what this work is about to add."""
        key = (tenant_id, stream_id)
        if key not in self._streams:
            history = await self.store.load(tenant_id, stream_id)
            added = self._added(tenant_id, stream_id)
            self._streams[key] = _Stream([*history.events, *added], history.version + len(added))
        return self._streams[key]

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """A stream's version without reading its events, with what this work is about to add."""
        if stream := self._streams.get((tenant_id, stream_id)):
            return stream.version
        return await self.store.version(tenant_id, stream_id) + len(self._added(tenant_id, stream_id))

    def add(self, append: Append) -> None:
        """Add events to what will be committed, and to the stream if it is loaded."""
        self.changes.appends.append(append)
        if stream := self._streams.get((append.tenant_id, append.stream_id)):
            stream.events.extend(append.events)
            stream.version += len(append.events)

    def _added(self, tenant_id: str, stream_id: str) -> list[Event]:
        mine = (a for a in self.changes.appends if (a.tenant_id, a.stream_id) == (tenant_id, stream_id))
        return [event for append in mine for event in append.events]

    async def commit(self) -> CommitReceipt:
        """Write everything, or raise and write nothing."""
        return await self.store.commit(self.changes)


@dataclass(frozen=True, slots=True)
class Session:
    """What an application sees of a unit of work: one tenant, one cause, one moment."""

    work: UnitOfWork
    tenant_id: str
    metadata: Metadata

    @property
    def now(self) -> datetime:
        """The moment at which this happens, on the tenant's clock."""
        return self.metadata.occurred_at

    async def state(self, decider: Decider[S, Any, Any], stream_id: str) -> S:
        """The present state of a stream."""
        return (await self.work.stream(self.tenant_id, stream_id)).state(decider)

    async def version(self, stream_id: str) -> int:
        """The version of a stream that is only counted, such as a number series."""
        return await self.work.version(self.tenant_id, stream_id)

    async def handle(self, decider: Decider[S, C, Any], stream_id: str, command: C) -> Sequence[Event]:
        """Read, fold, decide, and remember to append; nothing decided, nothing written."""
        stream = await self.work.stream(self.tenant_id, stream_id)
        events: tuple[Event, ...] = tuple(decider.decide(stream.state(decider), command))
        if events:
            self.append(stream_id, stream.version, events)
        return events

    def append(
        self, stream_id: str, expected: int, events: Sequence[Event], *, slot_key: str | None = None
    ) -> None:
        """Append without deciding: for streams that are no aggregate, such as batches and number series."""
        self.work.add(
            Append(self.tenant_id, stream_id, expected, tuple(events), self.metadata, slot_key=slot_key)
        )

    def schedule(self, timer_id: str, due_at: datetime, purpose: str, payload: dict[str, Any]) -> None:
        """Do something later; the id is derived from its cause, so scheduling twice is once."""
        timer = Timer(timer_id, self.tenant_id, due_at, purpose, payload, self.metadata)
        self.work.changes.timers.append(timer)

    def complete_timer(self, timer_id: str) -> None:
        """The timer is done, or not wanted any more."""
        self.work.changes.timers_done.append(timer_id)

    def set_clock(self, now: datetime) -> None:
        """Move the tenant's test clock as this context knows it."""
        self.work.changes.clocks[self.tenant_id] = now

    def add_side_write(self, effect: SideWrite) -> None:
        """Let an adapter write beside the events, in the same transaction."""
        self.work.changes.effects.append(effect)


async def transact(
    store: EventStore, work: Callable[[UnitOfWork], Awaitable[T]], *, attempts_max: int = APPEND_ATTEMPTS_MAX
) -> tuple[T, CommitReceipt]:
    """Do the work and commit it; on a version conflict do it again from a fresh load, a few times.

    Whoever tries again does so in turn with the others: of many at once, all come through. Work must not
    transact by itself. Raises StreamIsBusy, and what the work and the store raise.
    """
    contended: frozenset[str] = frozenset()
    for _ in range(attempts_max):
        unit = UnitOfWork(store)
        async with serialize_retries(store.context, contended) if contended else nullcontext():
            result = await work(unit)
            try:
                return result, await unit.commit()
            except VersionConflict:
                contended = frozenset(append.stream_id for append in unit.changes.appends)
    raise StreamIsBusy(f"{attempts_max} attempts")


def caused_by(record: EventRecord, occurred_at: datetime) -> Metadata:
    """Metadata of what follows from a fact: the same correlation, caused by it, at the moment given."""
    return msgspec.structs.replace(
        record.metadata, causation_id=str(record.event_id), occurred_at=occurred_at
    )


def consequence_time(metadata: Metadata, system_now: datetime) -> datetime:
    """When a consequence happens: under a test clock at its cause's own moment, else now.

    So a tenant that is moved a year ahead sees every consequence at the instant at which it would
    have come, whatever the order in which services catch up.
    """
    return metadata.occurred_at if metadata.test_clock else max(system_now, metadata.occurred_at)


async def metadata_now(clocks: TenantClocks, clock: Clock, tenant_id: str, **origin: Any) -> Metadata:
    """Metadata of a write that no event caused, at the tenant's now: its test clock's, else the system's.

    `origin`: correlation_id, actor and what else Metadata says of where the write comes from.
    """
    test_clock = await clocks.test_clock_now(tenant_id)
    now = clock.now() if test_clock is None else test_clock
    return Metadata(occurred_at=now, test_clock=test_clock is not None, **origin)
