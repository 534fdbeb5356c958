"""What the house asks of a history; one contract suite holds Postgres and memory to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from shared.framework.core.event import Event, Metadata
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.contracts import Contracts


class VersionConflict(Exception):
    """The stream has grown since it was read: load again and decide again."""


class InboxConflict(Exception):
    """Another consumer has handled these messages: drop the work, read the inbox again."""


class TimerAlreadyDone(Exception):
    """The timer has been handled already: drop the work."""


class StreamIsBusy(Refusal):
    """Too many concurrent commands changed the same stream; nothing was written, try again."""

    code = "write-conflict"
    kind = RefusalKind.UNAVAILABLE


class StoreIsUnavailable(Refusal):
    """The event store is unavailable; try again with the same idempotency key."""

    code = "event-store-unavailable"
    kind = RefusalKind.UNAVAILABLE


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


class EventStore(Protocol):
    """The streams of one context. Every call of a store has a time limit of its own."""

    context: str
    contracts: Contracts

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """A stream of this tenant; another tenant's stream reads as if it were not there."""
        ...

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """The stream's version without its events (0: none)."""
        ...

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Write all of it or nothing. Raises VersionConflict, InboxConflict, TimerAlreadyDone."""
        ...


class Feed(Protocol):
    """The history of one context in order of position."""

    context: str
    contracts: Contracts

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        """Settled records of all partitions after a position: none will ever appear before one returned.

        Fewer than `limit` when they fill PAGE_BYTES_MAX; none only if there is none.
        """
        ...

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """Settled records of one partition after a position, bounded as `read` is."""
        ...


class InboxPositions(Protocol):
    """How far the consumers of one context have come."""

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        """The consumer's marks by (topic, partition)."""
        ...


class TimerStore(Protocol):
    """The timers of one context; they are set and finished by EventStore.commit."""

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        """Timers that are due (by the test clock if set under one, else by `system_now`), earliest first."""
        ...

    async def postpone(self, timer_id: str, until: datetime) -> None:
        """Count a failed attempt and hide the timer until `cut_at` by the system's clock."""
        ...


class TenantClocks(Protocol):
    """The test clocks that one context follows."""

    async def test_clock_now(self, tenant_id: str) -> datetime | None:
        """The tenant's test clock, or None when it lives by the system's."""
        ...


class IdempotencyKeys(Protocol):
    """The idempotency keys of one context; answers are stored by EventStore.commit."""

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The stored response; None when the key is now ours.

        Raises KeyIsInFlight, KeyBelongsToAnotherRequest.
        """
        ...

    async def release(self, key: IdempotencyKey) -> None:
        """Give a claimed key back because nothing was written under it."""
        ...

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        """Forget idempotency keys that were claimed before a moment, `limit` at most; how many.

        Whoever sends a forgotten key again is served as if for the first time.
        """
        ...


class DeadLetters(Protocol):
    """The dead letters of one context; they are added and removed by EventStore.commit."""

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        """Dead letters and what waits behind them, by position."""
        ...

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        """How many records of each (topic, stream id) are parked, without reading them."""
        ...


class ConsumerStore(EventStore, InboxPositions, DeadLetters, Protocol):
    """What a consumer writes to and reads from."""


class TimerLoopStore(EventStore, TimerStore, Protocol):
    """What the timer loop reads and writes."""


class CommandStore(EventStore, TenantClocks, IdempotencyKeys, Protocol):
    """What commands over HTTP read and write."""


class Store(ConsumerStore, TimerLoopStore, CommandStore, Feed, Protocol):
    """Everything that one context keeps, as one database has it; for composition roots."""
