"""Ports of an event store, and the errors that they raise."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.records import (
    ChangeSet,
    CommitReceipt,
    DeadLetter,
    EventRecord,
    FeedPage,
    IdempotencyKey,
    InboxPosition,
    StoredResponse,
    StreamHistory,
    Timer,
)


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
