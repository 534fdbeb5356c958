"""The event store in memory: every promise of the port, kept by one task at a time."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.framework.core.clock import Clock
from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.idempotency import MemoryIdempotencyKeys
from shared.framework.eventstore.memory_feed import MemoryFeed, cap_page_bytes
from shared.framework.eventstore.ports import InboxConflict, TimerAlreadyDone, VersionConflict
from shared.framework.eventstore.records import (
    Append,
    ChangeSet,
    CommitReceipt,
    DeadLetter,
    EventPosition,
    EventRecord,
    FeedPage,
    IdempotencyKey,
    InboxAdvance,
    InboxPosition,
    StoredResponse,
    StreamHistory,
    Timer,
)
from shared.framework.eventstore.rows import EventRow, rows_of


class MemoryEventStore:
    """For tests and simulation. An effect gets this store and keeps its own rows in `tables`.

    Rows in `tables` should be immutable values: when a commit fails, each table is put back as it was.
    """

    def __init__(self, context: str, clock: Clock, contracts: Contracts) -> None:
        """An empty history of this context; the clock dates its records."""
        self.context = context
        self.contracts = contracts
        self.tables: dict[str, dict[Any, Any]] = {}
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._records: list[EventRecord] = []
        self._streams: dict[str, list[EventRecord]] = {}
        self._feeds: dict[int, MemoryFeed] = {}
        self._marks: dict[tuple[str, str, int], InboxPosition] = {}
        self._timers: dict[str, Timer] = {}
        self._hidden_until: dict[str, datetime] = {}
        self._clocks: dict[str, datetime] = {}
        self._parked: dict[tuple[str, str, int], DeadLetter] = {}
        self._claims = MemoryIdempotencyKeys()

    def table(self, name: str) -> dict[Any, Any]:
        """A side table of an adapter by name, made when it is first asked for."""
        return self.tables.setdefault(name, {})

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        """A stream of this tenant; another tenant's stream reads as if it were not there."""
        records = self._stream(tenant_id, stream_id)
        events = (self.contracts.decode(record.wire_name, record.state) for record in records)
        return StreamHistory(tuple(event for event in events if event is not None), len(records))

    async def version(self, tenant_id: str, stream_id: str) -> int:
        """The stream's version (0: none)."""
        return len(self._stream(tenant_id, stream_id))

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Write all of it or nothing: everything is checked and every effect done before the first write."""
        async with self._one_at_a_time:
            records = self._to_records(changes.appends)
            self._check_inbox_positions(changes.inbox)
            self._check_timers(changes.timers_done)
            self._check_parked(changes.unparked)
            receipt = CommitReceipt(
                tuple(EventPosition(r.stream_id, r.version, r.position, r.slot) for r in records)
            )
            if changes.answer is not None:
                self._claims.check_unanswered(changes.answer[0])
            await self._do_effects(changes, receipt)
            self._answer(changes, receipt)
            self._write_records(records)
            self._write_side_state(changes)
            return receipt

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        """Records after a position; here positions are 1, 2, 3 without a gap, and all are settled."""
        return cap_page_bytes(self._records[after : after + limit])

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        """Records of one partition after a position, each with the position before it."""
        if partitions not in self._feeds:
            self._feeds[partitions] = MemoryFeed(partitions)
        return self._feeds[partitions].page(self._records, partition, after, limit)

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        """The consumer's marks by (topic, partition)."""
        return {(m.topic, m.partition): m for m in self._marks.values() if m.consumer == consumer}

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        """Timers that are due and not hidden by a failed attempt, earliest first."""
        due = [timer for timer in self._timers.values() if self._is_due(timer, system_now)]
        return sorted(due, key=lambda timer: (timer.due_at, timer.timer_id))[:limit]

    async def postpone(self, timer_id: str, until: datetime) -> None:
        """Count a failed attempt and hide the timer until `cut_at`; a timer that is gone stays gone."""
        if timer_id in self._timers:
            timer = self._timers[timer_id]
            self._timers[timer_id] = replace(timer, attempts=timer.attempts + 1)
            self._hidden_until[timer_id] = until

    async def test_clock_now(self, tenant_id: str) -> datetime | None:
        """The tenant's test clock, or None."""
        return self._clocks.get(tenant_id)

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """The stored answer, or None when the key is now ours."""
        return self._claims.claim(key, now)

    async def release(self, key: IdempotencyKey) -> None:
        """Give a claimed key back; one that was answered keeps its answer."""
        self._claims.release(key)

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        """Forget idempotency keys that were claimed before a moment; how many."""
        return self._claims.forget(before, limit)

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        """Dead letters and what waits behind them, by position."""
        mine = (parked for parked in self._parked.values() if consumer in (None, parked.consumer))
        return sorted(mine, key=lambda parked: (parked.record.position, parked.topic))

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        """How many records of each (topic, stream id) are parked."""
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
            for position, row in enumerate(rows_of(appends, self.contracts), start=len(self._records) + 1)
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

    def _check_inbox_positions(self, moves: Sequence[InboxAdvance]) -> None:
        for move in moves:
            stored = self._marks.get(_mark_key(move.mark))
            if (stored.position if stored else 0) != move.expected:
                raise InboxConflict(f"{move.mark} was not at {move.expected}")

    def _check_timers(self, timer_ids: Iterable[str]) -> None:
        gone = [timer_id for timer_id in timer_ids if timer_id not in self._timers]
        if gone:
            raise TimerAlreadyDone(", ".join(gone))

    def _check_parked(self, handled: Sequence[tuple[str, str, int]]) -> None:
        gone = [letter for letter in handled if letter not in self._parked]
        if gone:
            raise InboxConflict(f"handled already: {gone}")

    async def _do_effects(self, changes: ChangeSet, receipt: CommitReceipt) -> None:
        before = {name: dict(rows) for name, rows in self.tables.items()} if changes.effects else {}
        try:
            for effect in changes.effects:
                await effect(self, receipt)
        except BaseException:
            self.tables.clear()
            self.tables.update(before)
            raise

    def _answer(self, changes: ChangeSet, receipt: CommitReceipt) -> None:
        if changes.answer is not None:
            key, answer_to = changes.answer
            self._claims.answer(key, answer_to(receipt), self._clock.now())

    def _write_records(self, records: Sequence[EventRecord]) -> None:
        for record in records:
            self._records.append(record)
            self._streams.setdefault(record.stream_id, []).append(record)

    def _write_side_state(self, changes: ChangeSet) -> None:
        for move in changes.inbox:
            self._marks[_mark_key(move.mark)] = move.mark
        for timer_id in changes.timers_done:
            self._timers.pop(timer_id, None)
            self._hidden_until.pop(timer_id, None)
        for timer in changes.timers:
            self._timers.setdefault(timer.timer_id, timer)
        for tenant_id, now in changes.clocks.items():
            self._clocks[tenant_id] = max(now, self._clocks.get(tenant_id, now))
        for consumer, topic, position in changes.unparked:
            self._parked.pop((consumer, topic, position), None)
        for parked in changes.parked:
            self._parked[parked.consumer, parked.topic, parked.record.position] = parked

    def _is_due(self, timer: Timer, system_now: datetime) -> bool:
        if self._hidden_until.get(timer.timer_id, system_now) > system_now:
            return False
        now = self._clocks.get(timer.tenant_id) if timer.test_clock else system_now
        return now is not None and timer.due_at <= now


def _mark_key(mark: InboxPosition) -> tuple[str, str, int]:
    return (mark.consumer, mark.topic, mark.partition)
