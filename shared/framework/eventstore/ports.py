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
    StreamEntry,
    StreamHistory,
    TenantActivity,
    TenantClock,
    Timer,
)


class VersionConflict(Exception):
    """A stream does not have the expected version: load it and decide again."""


class InboxConflict(Exception):
    """An inbox position or a dead letter is not as expected: another process has handled these events."""


class TimerAlreadyDone(Exception):
    """The timer has been handled already; nothing was written."""


class StreamIsBusy(Refusal):
    """Too many concurrent commands changed the same stream; nothing was written, try again."""

    code = "write-conflict"
    kind = RefusalKind.UNAVAILABLE


class StoreIsUnavailable(Refusal):
    """The event store is unavailable; try again with the same idempotency key."""

    code = "event-store-unavailable"
    kind = RefusalKind.UNAVAILABLE


class TextIsNotStorable(Refusal):
    """A text contains a character that PostgreSQL cannot store; nothing was written."""

    code = "text-not-storable"
    kind = RefusalKind.INVALID


class TestClockIsAdvancing(Refusal):
    """The tenant's test clock is advancing; nothing was written, try again when it is ready."""

    __test__ = False  # pytest: not a test
    code = "test-clock-advancing"
    kind = RefusalKind.UNAVAILABLE


class EventStore(Protocol):
    """The event streams of one context. Each call has a time-out, then StoreIsUnavailable."""

    context: str
    contracts: Contracts

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """A stream of this tenant; a stream of another tenant is returned as empty."""

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """The version of a stream, without reading its events (0: no such stream)."""

    async def newest(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """As `load`, but of all events only the last."""

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Write all of the changes or nothing.

        Raises VersionConflict, InboxConflict, TimerAlreadyDone, TestClockIsAdvancing, KeyIsInFlight,
        EventIsNotRegistered.
        """


class StreamDirectory(Protocol):
    """The streams of one context, by their kind."""

    async def streams(self, tenant_id: str, kind: str, after: int, limit: int) -> Sequence[StreamEntry]:
        """At most `limit` streams of a tenant whose first event is after a position, oldest first.

        `kind`: the prefix of their ids, such as `cus`. Only settled ones: no stream will be added at a
        position before one of them.
        """


class Feed(Protocol):
    """The events of one context in order of position.

    Only settled records are returned: no event will be committed at a position before one of them.
    """

    context: str
    contracts: Contracts

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        """At most `limit` settled records after a position, of all partitions.

        Fewer if they reach PAGE_BYTES_MAX; empty only if there are none.
        """

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """Settled records of one of `partitions` partitions after a position, limited as in `read_stable`."""


class InboxPositions(Protocol):
    """The inbox positions of one context's consumers; they are moved by EventStore.commit."""

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        """The positions of a consumer by (topic, partition)."""


class TimerStore(Protocol):
    """The timers of one context; they are set and removed by EventStore.commit."""

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        """At most `limit` timers that are due and not postponed, earliest first.

        A timer set under a test clock is due by the tenant's test clock, any other by `system_now`.
        """

    async def postpone(self, timer_id: str, until: datetime) -> None:
        """Count a failed attempt, and hide the timer until `until` (system clock). No error if it is gone."""


class TenantClocks(Protocol):
    """The test clocks of tenants, as far as this context has received them."""

    async def test_clock(self, tenant_id: str) -> TenantClock | None:
        """The tenant's test clock; None if it has none."""

    async def advancing_tenants(self) -> Sequence[str]:
        """The tenants whose test clock is advancing."""


class TenantActivities(Protocol):
    """What is left to do for one tenant in this context, for the advance of its test clock."""

    async def settled_position(self) -> int:
        """A position at or below which no event will be committed any more."""

    async def tenant_activity(
        self, tenant_id: str, after: int, partitions: int, attempts_max: int
    ) -> TenantActivity:
        """What the tenant has to do, and its newest events after a position.

        A due timer that has failed `attempts_max` times is set aside.
        """


class IdempotencyKeys(Protocol):
    """The idempotency keys of one context; responses are stored by EventStore.commit."""

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The stored response; None if the key is now claimed for this call.

        Raises KeyIsInFlight, KeyBelongsToAnotherRequest.
        """

    async def release(self, key: IdempotencyKey) -> None:
        """Delete this claim of a key because its command wrote nothing; with a response it stays."""

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` keys claimed before an instant, oldest first; returns how many.

        A request with a deleted key is handled as a new one.
        """


class DeadLetters(Protocol):
    """The dead letters of one context; they are added and removed by EventStore.commit."""

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        """Dead letters of one consumer or of all, by position, with the later events of their streams."""

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        """The number of dead letters of each (topic, stream id), without reading them."""


class ConsumerStore(EventStore, InboxPositions, DeadLetters, Protocol):
    """The ports that a consumer needs."""


class TimerLoopStore(EventStore, TimerStore, Protocol):
    """The ports that the timer loop needs."""


class CommandStore(EventStore, StreamDirectory, TenantClocks, IdempotencyKeys, Protocol):
    """The ports that commands and reads over HTTP need."""


class Store(ConsumerStore, TimerLoopStore, CommandStore, TenantActivities, Feed, Protocol):
    """All ports of one context's store; only composition roots need it."""
