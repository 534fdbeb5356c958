"""The event store in memory, for tests and simulation."""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.framework.core.clock import Clock
from shared.framework.core.ids import has_prefix, partition_of
from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.idempotency import MemoryIdempotencyKeys
from shared.framework.eventstore.memory_feed import MemoryFeed, cap_page_bytes
from shared.framework.eventstore.ports import (
    InboxConflict,
    TestClockIsAdvancing,
    TimerAlreadyDone,
    VersionConflict,
)
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    ClockChange,
    CommitReceipt,
    DeadLetter,
    EventPosition,
    EventRecord,
    FeedPage,
    IdempotencyKey,
    InboxAdvance,
    InboxPosition,
    StoredResponse,
    StreamEntry,
    StreamHistory,
    TenantActivity,
    TenantClock,
    Timer,
)
from shared.framework.eventstore.rows import EventRow, rows_of


class MemoryEventStore:
    """All ports of a store in memory; one commit at a time.

    Side writes get this store and write to tables of their own, each of which they ask for by `table`. Their
    rows must be immutable: if a commit fails, a shallow copy of these tables is restored.
    """

    def __init__(self, context: str, clock: Clock, contracts: Contracts) -> None:
        """An empty store; the clock gives `recorded_at`."""
        self.context = context
        self.contracts = contracts
        self.tables: dict[str, dict[Any, Any]] = {}
        self._before: dict[str, dict[Any, Any] | None] | None = None
        """During side writes: the tables that they have asked for, as they were; None for a new one."""
        self._clock = clock
        self._commit_lock = asyncio.Lock()
        self._records: list[EventRecord] = []
        self._positions: list[int] = []
        self._drawn = 0
        self._streams: dict[str, list[EventRecord]] = {}
        self._feeds: dict[int, MemoryFeed] = {}
        self._inbox_positions: dict[tuple[str, str, int], InboxPosition] = {}
        self._timers: dict[str, Timer] = {}
        self._hidden_until: dict[str, datetime] = {}
        self._clocks: dict[str, TenantClock] = {}
        self._dead_letters: dict[tuple[str, str, int], DeadLetter] = {}
        self._claims = MemoryIdempotencyKeys()

    def table(self, name: str) -> dict[Any, Any]:
        """The side table of this name, created at the first call."""
        if self._before is not None and name not in self._before:
            self._before[name] = dict(self.tables[name]) if name in self.tables else None
        return self.tables.setdefault(name, {})

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        records = self._stream(tenant_id, stream_id)
        events = (self.contracts.decode(record.wire_name, record.state) for record in records)
        return StreamHistory(tuple(event for event in events if event is not None), len(records))

    async def version(self, tenant_id: str, stream_id: str) -> int:
        return len(self._stream(tenant_id, stream_id))

    async def streams(self, tenant_id: str, kind: str, after: int, limit: int) -> Sequence[StreamEntry]:
        firsts = (records[0] for records in self._streams.values())  # in the order of their positions
        return [
            StreamEntry(first.stream_id, first.position)
            for first in firsts
            if first.tenant_id == tenant_id and has_prefix(kind, first.stream_id) and first.position > after
        ][:limit]

    async def newest(self, tenant_id: str, stream_id: str) -> StreamHistory:
        records = self._stream(tenant_id, stream_id)
        events = (self.contracts.decode(record.wire_name, record.state) for record in records[-1:])
        return StreamHistory(tuple(event for event in events if event is not None), len(records))

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        async with self._commit_lock:
            records = self._to_records(changes.appends)
            self._check_inbox_positions(changes.inbox)
            self._check_clocks(changes)
            self._check_timers(changes.timers_done)
            self._check_dead_letters(changes.handled_dead_letters)
            receipt = CommitReceipt(
                tuple(EventPosition(r.stream_id, r.version, r.position, r.slot) for r in records)
            )
            if changes.response is not None:
                self._claims.check_held(changes.response[0])
            await self._run_side_writes(changes, receipt)
            self._store_response(changes, receipt)
            self._write_records(records)
            self._write_side_state(changes)
            return receipt

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        first = bisect_right(self._positions, after)
        return cap_page_bytes(self._records[first : first + limit])

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        if partitions not in self._feeds:
            self._feeds[partitions] = MemoryFeed(partitions)
        return self._feeds[partitions].page(self._records, partition, after, limit)

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        return {
            (at.topic, at.partition): at for at in self._inbox_positions.values() if at.consumer == consumer
        }

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        due = [timer for timer in self._timers.values() if self._is_due(timer, system_now)]
        return sorted(due, key=lambda timer: (timer.due_at, timer.timer_id))[:limit]

    async def postpone(self, timer_id: str, until: datetime) -> None:
        if timer_id in self._timers:
            timer = self._timers[timer_id]
            self._timers[timer_id] = replace(timer, attempts=timer.attempts + 1)
            self._hidden_until[timer_id] = until

    async def test_clock(self, tenant_id: str) -> TenantClock | None:
        return self._clocks.get(tenant_id)

    async def advancing_tenants(self) -> Sequence[str]:
        return sorted(tenant for tenant, clock in self._clocks.items() if clock.target is not None)

    async def settled_position(self) -> int:
        return self._drawn

    async def tenant_activity(
        self, tenant_id: str, after: int, partitions: int, attempts_max: int
    ) -> TenantActivity:
        clock = self._clocks.get(tenant_id)
        if clock is None:
            return TenantActivity(None)
        timers = [one for one in self._timers.values() if one.test_clock and one.tenant_id == tenant_id]
        due = [timer for timer in timers if timer.due_at <= clock.now]
        set_aside = sum(timer.attempts >= attempts_max for timer in due)
        return TenantActivity(
            clock,
            {
                partition_of(record.slot, partitions): record.position
                for record in self._records[bisect_right(self._positions, after) :]
                if record.tenant_id == tenant_id
            },
            len(due) - set_aside,
            set_aside,
            min((timer.due_at for timer in timers if timer.due_at > clock.now), default=None),
        )

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        return self._claims.claim(key, now)

    async def release(self, key: IdempotencyKey) -> None:
        self._claims.release(key)

    def end_owner(self) -> None:
        """Let the present claims of idempotency keys have no owner, as after the end of the process."""
        self._claims.end_owner()

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        return self._claims.delete_expired(before, limit)

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        found = (letter for letter in self._dead_letters.values() if consumer in (None, letter.consumer))
        return sorted(found, key=lambda letter: (letter.record.position, letter.topic))

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        return Counter(
            (letter.topic, letter.record.stream_id) for letter in await self.dead_letters(consumer)
        )

    def _stream(self, tenant_id: str, stream_id: str) -> list[EventRecord]:
        records = self._streams.get(stream_id, [])
        return records if records and records[0].tenant_id == tenant_id else []

    def _to_records(self, appends: Sequence[Append]) -> list[EventRecord]:
        self._check_versions(appends)
        recorded_at = self._clock.now()
        return [
            self._record(row, position, recorded_at)
            for position, row in enumerate(rows_of(appends, self.contracts), start=self._drawn + 1)
        ]

    def _record(self, row: EventRow, position: int, recorded_at: datetime) -> EventRecord:
        return EventRecord(
            context=self.context,
            tenant_id=row.tenant_id,
            stream_id=row.stream_id,
            version=row.version,
            wire_name=row.wire_name,
            state=row.state,
            position=position,
            slot=row.slot,
            event_id=row.event_id,
            metadata=row.metadata,
            recorded_at=recorded_at,
        )

    def _check_versions(self, appends: Sequence[Append]) -> None:
        grown: dict[str, tuple[str, int]] = {}
        for append in appends:
            stream = self._streams.get(append.stream_id, [])
            before = (stream[0].tenant_id, len(stream)) if stream else (append.tenant_id, 0)
            if grown.get(append.stream_id, before) != (append.tenant_id, append.expected):
                raise VersionConflict(f"{append.stream_id} is not at {append.expected}")
            grown[append.stream_id] = (append.tenant_id, append.expected + len(append.events))

    def _check_inbox_positions(self, advances: Sequence[InboxAdvance]) -> None:
        for advance in advances:
            stored = self._inbox_positions.get(_inbox_key(advance.target))
            if (stored.position if stored else 0) != advance.expected:
                raise InboxConflict(f"{advance.target} was not at {advance.expected}")

    def _check_clocks(self, changes: ChangeSet) -> None:
        for tenant_id, now in changes.clocks_seen.items():
            if tenant_id not in changes.clocks and self._clocks.get(tenant_id) != TenantClock(now):
                raise TestClockIsAdvancing(tenant_id)

    def _check_timers(self, timer_ids: Iterable[str]) -> None:
        missing = [timer_id for timer_id in timer_ids if timer_id not in self._timers]
        if missing:
            raise TimerAlreadyDone(", ".join(missing))

    def _check_dead_letters(self, handled: Sequence[tuple[str, str, int]]) -> None:
        missing = [key for key in handled if key not in self._dead_letters]
        if missing:
            raise InboxConflict(f"handled already: {missing}")

    async def _run_side_writes(self, changes: ChangeSet, receipt: CommitReceipt) -> None:
        self._before = {}
        try:
            for write in changes.side_writes:
                await write(self, receipt)
        except BaseException:
            for name, rows in self._before.items():
                if rows is None:
                    del self.tables[name]
                else:
                    self.tables[name] = rows
            raise
        finally:
            self._before = None

    def _store_response(self, changes: ChangeSet, receipt: CommitReceipt) -> None:
        if changes.response is not None:
            key, response_to = changes.response
            self._claims.store_response(key, response_to(receipt))

    def _write_records(self, records: Sequence[EventRecord]) -> None:
        for record in records:
            self._records.append(record)
            self._positions.append(record.position)
            self._streams.setdefault(record.stream_id, []).append(record)
        if records:
            self._drawn = records[-1].position

    def _write_side_state(self, changes: ChangeSet) -> None:
        for advance in changes.inbox:
            self._inbox_positions[_inbox_key(advance.target)] = advance.target
        for timer_id in changes.timers_done:
            self._timers.pop(timer_id, None)
            self._hidden_until.pop(timer_id, None)
        for timer in changes.timers:
            self._timers.setdefault(timer.timer_id, timer)
        for tenant_id, change in changes.clocks.items():
            self._clocks[tenant_id] = _changed(self._clocks.get(tenant_id), change)
        for consumer, topic, position in changes.handled_dead_letters:
            self._dead_letters.pop((consumer, topic, position), None)
        for letter in changes.dead_letters:
            self._dead_letters[letter.consumer, letter.topic, letter.record.position] = letter

    def _is_due(self, timer: Timer, system_now: datetime) -> bool:
        if self._hidden_until.get(timer.timer_id, system_now) > system_now:
            return False
        if not timer.test_clock:
            return timer.due_at <= system_now
        clock = self._clocks.get(timer.tenant_id)
        return clock is not None and timer.due_at <= clock.now


def _changed(before: TenantClock | None, change: ClockChange) -> TenantClock:
    """The clock after a change. A target that it has not reached stays until it has."""
    now = change.now if before is None else max(change.now, before.now)
    target = before.target if before else None
    match change.target:
        case None if target is not None and target <= now:
            target = None
        case datetime() as wanted:
            target = wanted if target is None else max(target, wanted)
    return TenantClock(now, target)


def _inbox_key(at: InboxPosition) -> tuple[str, str, int]:
    return (at.consumer, at.topic, at.partition)
