"""Values that the ports of an event store take and return."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from shared.framework.core.event import Event, Metadata


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One stored event with its bytes not decoded. `position` grows over the context's whole history."""

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
    """The previous position in the same partition (0: none); set only on records read by partition."""


@dataclass(frozen=True, slots=True)
class StreamHistory:
    """A stream as read: its known events in order, and its version (0: no such stream)."""

    events: tuple[Event, ...]
    version: int


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A stream in a list of streams; `position` is that of its first event."""

    stream_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Append:
    """Events to add to a stream that had version `expected` when it was read."""

    tenant_id: str
    stream_id: str
    expected: int
    events: tuple[Event, ...]
    metadata: Metadata
    slot_key: str | None = None
    """The partition key when it is not the stream id."""


@dataclass(frozen=True, slots=True)
class InboxPosition:
    """The last position that a consumer has handled in one partition (0: none).

    `offset` is the broker's next offset, and holds only while the broker's cluster id is `cluster_id`.
    """

    consumer: str
    topic: str
    partition: int
    position: int
    offset: int | None = None
    cluster_id: str | None = None


@dataclass(frozen=True, slots=True)
class InboxAdvance:
    """Moves an inbox position to `target` if the stored position is `expected`; else InboxConflict."""

    target: InboxPosition
    expected: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is due when the tenant's clock reaches `due_at`.

    `timer_id` is derived from its cause: setting it again has no effect. `attempts` counts failed attempts.
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
        """Whether it was set under a test clock; then only the tenant's test clock makes it due."""
        return self.metadata.test_clock


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer could not handle, or a later event of the same stream; `cause` says which."""

    consumer: str
    record: EventRecord
    topic: str
    partition: int
    cause: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The HTTP response of a command, stored to be repeated byte by byte."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An Idempotency-Key of a tenant, with hashes over the method, the path, the query and the body.

    `fingerprint`: over the bytes of the body; `canonical`: over its parsed value. Requests are the same if
    either is. `claim_id`: of one attempt at the command; only a claim with it is answered or released.
    """

    tenant_id: str
    key: str
    fingerprint: bytes
    canonical: bytes
    claim_id: str


@dataclass(frozen=True, slots=True)
class EventPosition:
    """The position and the slot that a commit gave to an event."""

    stream_id: str
    version: int
    position: int
    slot: int


@dataclass(frozen=True, slots=True)
class CommitReceipt:
    """The positions of the events that a commit wrote, in the order of its appends."""

    positions: tuple[EventPosition, ...] = ()


SideWrite = Callable[[Any, CommitReceipt], Awaitable[None]]
"""A write of a subject's own rows that runs inside the commit, after the events and before the response.

Called with the store's handle (an asyncpg connection in the transaction, or the MemoryEventStore) and the
receipt. What it raises undoes the whole commit. A function that only returns one has a name that ends in
`_write`: calling it writes nothing yet.
"""


@dataclass(frozen=True, slots=True)
class TenantClock:
    """A tenant's test clock: it stands at `now`, or is advancing from there to `target`.

    While it advances, commands of the tenant wait; what they say must not come before earlier instants.
    """

    now: datetime
    target: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Sets a tenant's test clock to `now`, which never goes back; `target` UNSET leaves that as it is."""

    now: datetime
    target: datetime | UnsetType | None = UNSET

    def after(self, earlier: "ClockChange | None") -> "ClockChange":
        """Both changes as one."""
        keeps = earlier is not None and self.target is UNSET
        return replace(self, target=earlier.target) if earlier and keeps else self


@dataclass(frozen=True, slots=True)
class TenantActivity:
    """What one tenant has to do under its test clock in one context, all read at one moment.

    `newest`: by partition, the position of its last event after the position that was asked about.
    `timers_due`: by `clock`, without those that have failed too often, which are `timers_set_aside`.
    `next_due_at`: of its later timers.
    """

    clock: TenantClock | None
    newest: Mapping[int, int] = field(default_factory=dict)
    timers_due: int = 0
    timers_set_aside: int = 0
    next_due_at: datetime | None = None


@dataclass(slots=True)
class ChangeSet:
    """Everything that one transaction writes: all of it or nothing."""

    appends: list[Append] = field(default_factory=list)
    inbox: list[InboxAdvance] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timers_done: list[str] = field(default_factory=list)
    """Removed before `timers` are set, so that a timer can be moved; TimerAlreadyDone if one is missing."""
    clocks: dict[str, ClockChange] = field(default_factory=dict)
    """Test clocks by tenant. A tenant without one uses the system's clock."""
    clocks_seen: dict[str, datetime] = field(default_factory=dict)
    """Tenant -> the time of its test clock at which this was decided; a tenant of `clocks` is not checked.

    TestClockIsAdvancing unless the clock still stands there. So nothing that a command decided before an
    advance is written after this context has received it.
    """
    dead_letters: list[DeadLetter] = field(default_factory=list)
    handled_dead_letters: list[tuple[str, str, int]] = field(default_factory=list)
    """(consumer, topic, position of the record) of dead letters to remove; InboxConflict if one is gone."""
    response: tuple[IdempotencyKey, Callable[[CommitReceipt], StoredResponse]] | None = None
    """The idempotency key of the command, and the function that makes its response from the receipt."""
    side_writes: list[SideWrite] = field(default_factory=list)


PAGE_BYTES_MAX = 8 * 1024 * 1024
"""A page of records ends with the record that brings its states to this size, whatever `limit` says.

Readers keep a page in memory, and the relay sends one within a single time-out.
"""


BEYOND_ALL = 2**62
"""After every position: a page after it has a head and no records."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Settled records of one partition in order, each with `previous`; `head`: its last settled position."""

    records: tuple[EventRecord, ...]
    head: int
