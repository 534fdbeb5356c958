"""Values that the ports of an event store take and return."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.framework.core.event import Event, Metadata


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One stored event, its bytes unread. `position` grows over the context's whole history."""

    context: str
    tenant_id: str
    stream_id: str
    version: int
    wire_name: str
    state: bytes
    position: int
    slot: int
    event_id: UUID
    metadata: Metadata
    recorded_at: datetime
    previous: int = 0
    """The position before it in the same partition (0: none); set on records read by partition."""


@dataclass(frozen=True, slots=True)
class StreamHistory:
    """A stream as read: its known events in order, and its version (0: no such stream)."""

    events: tuple[Event, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Append:
    """Events to add to a stream that was at `expected` when it was read."""

    tenant_id: str
    stream_id: str
    expected: int
    events: tuple[Event, ...]
    metadata: Metadata
    slot_key: str | None = None
    """The partition key when it is not the stream id."""


@dataclass(frozen=True, slots=True)
class InboxPosition:
    """How far a consumer has come in one partition; `offset` and `cluster_id` are hints for the broker."""

    consumer: str
    topic: str
    partition: int
    position: int
    offset: int | None = None
    incarnation: str | None = None


@dataclass(frozen=True, slots=True)
class InboxAdvance:
    """The mark moves on, if it still stands at `expected`."""

    mark: InboxPosition
    expected: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Something to do when the tenant's clock reaches `due_at`; its id is derived: set twice is once.

    With `test_clock` it waits for the tenant's test clock alone, even if that has not been heard of yet.
    """

    timer_id: str
    tenant_id: str
    due_at: datetime
    purpose: str
    payload: dict[str, Any]
    metadata: Metadata
    attempts: int = 0

    @property
    def test_clock(self) -> bool:
        """Whether it was set under a test clock."""
        return self.metadata.test_clock


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a consumer could not handle, or that waits behind one of its stream."""

    consumer: str
    record: EventRecord
    topic: str
    partition: int
    cause: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The HTTP answer of a command, kept to be given again byte by byte."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Who asked what: the tenant, the caller's key, and a hash over route and body."""

    tenant_id: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class EventPosition:
    """Where an event came to lie."""

    stream_id: str
    version: int
    position: int
    slot: int


@dataclass(frozen=True, slots=True)
class CommitReceipt:
    """What a commit wrote, in the order of its appends."""

    positions: tuple[EventPosition, ...] = ()


SideWrite = Callable[[Any, CommitReceipt], Awaitable[None]]
"""A side write inside the transaction: gets the store's own handle (asyncpg connection, or the memory
store) and the receipt of the appends. Adapters make them; they match the store of their kind."""


@dataclass(slots=True)
class ChangeSet:
    """All that one transaction writes; either everything is true afterwards or nothing is."""

    appends: list[Append] = field(default_factory=list)
    inbox: list[InboxAdvance] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timers_done: list[str] = field(default_factory=list)
    """Done before `timers` are set, so that a timer can be moved; TimerAlreadyDone if one is not there."""
    clocks: dict[str, datetime] = field(default_factory=dict)
    """Test clocks: tenant -> now. A tenant without one lives by the system's clock."""
    parked: list[DeadLetter] = field(default_factory=list)
    unparked: list[tuple[str, str, int]] = field(default_factory=list)
    """(consumer, topic, position) of the dead letters that have been handled; positions are of the record.
    InboxConflict if one is not there: somebody else has handled it."""
    answer: tuple[IdempotencyKey, Callable[[CommitReceipt], StoredResponse]] | None = None
    effects: list[SideWrite] = field(default_factory=list)


PAGE_BYTES_MAX = 8 * 1024 * 1024
"""A page ends with the record that brings its states to this many bytes, whatever its limit in records.

Readers hold a page in memory, and the relay must get one to the broker within one time limit.
"""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Settled records of one partition in order, each with `previous`; `head` is the last settled there."""

    records: tuple[EventRecord, ...]
    head: int
