"""The event store on PostgreSQL: the tables of the `eventsourcing` library, written by asyncpg.

A commit of events, inbox positions, timers and dead letters is one round trip: one call of an SQL function.
Side writes and responses need the positions first, and therefore a transaction of several statements. The
checks are in the SQL functions of migrations/.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from shared.framework.eventstore.contracts import Contracts
from shared.framework.eventstore.idempotency import ClaimOwner, NoOwner
from shared.framework.eventstore.pool import connection_of, fetch, translate_errors
from shared.framework.eventstore.postgres_idempotency import claim, delete_expired, release, store_response
from shared.framework.eventstore.records import (
    PAGE_BYTES_MAX,
    ChangeSet,
    CommitReceipt,
    DeadLetter,
    EventPosition,
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
from shared.framework.eventstore.rows import (
    EventRow,
    commit_payload,
    dead_letter_of,
    inbox_position_of,
    metadata_json,
    metadata_of,
    rows_of,
    timer_of,
)

_LOAD = """SELECT topic, state FROM events
            WHERE originator_id = $1 AND tenant_id = $2 ORDER BY originator_version"""
_VERSION = """SELECT originator_version FROM events
               WHERE originator_id = $1 AND tenant_id = $2 ORDER BY originator_version DESC LIMIT 1"""
_STREAMS = "SELECT stream_id, first_position FROM list_streams($1, $2, $3, $4)"
_NEWEST = """SELECT originator_version, topic, state FROM events
              WHERE originator_id = $1 AND tenant_id = $2 ORDER BY originator_version DESC LIMIT 1"""
_APPEND = "SELECT append_events($1, $2, $3, $4, $5, $6, $7, $8)"
_COMMIT = "SELECT commit_changes($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_READ = f"SELECT * FROM read_events($1, $2, {PAGE_BYTES_MAX})"
_FEED = f"""SELECT page.head, page.settled, page.previous, (page.event).*
             FROM feed_events($1, $2, $3, $4, {PAGE_BYTES_MAX}, $5, $6) AS page"""
_DUE = """
    (SELECT * FROM timers
      WHERE NOT test_clock AND due_at <= $1 AND coalesce(hidden_until <= $1, true)
      ORDER BY due_at, timer_id LIMIT $2)
    UNION ALL
    (SELECT timers.* FROM timers JOIN tenant_clocks USING (tenant_id)
      WHERE test_clock AND due_at <= now_at AND coalesce(hidden_until <= $1, true)
      ORDER BY due_at, timer_id LIMIT $2)
    ORDER BY due_at, timer_id LIMIT $2"""
_CLOCK = "SELECT now_at, target_at FROM tenant_clocks WHERE tenant_id = $1"
_ADVANCING = "SELECT tenant_id FROM tenant_clocks WHERE target_at IS NOT NULL ORDER BY tenant_id"
_ACTIVITY = """
    SELECT now_at, target_at,
           (SELECT coalesce(jsonb_object_agg(partition, position), '{}')
              FROM (SELECT slot % $3 AS partition, max(notification_id) AS position FROM events
                     WHERE notification_id > $2 AND tenant_id = $1 GROUP BY 1) AS newest) AS newest,
           (SELECT count(*) FROM timers WHERE test_clock AND tenant_id = $1 AND due_at <= now_at
               AND attempts < $4) AS timers_due,
           (SELECT count(*) FROM timers WHERE test_clock AND tenant_id = $1 AND due_at <= now_at
               AND attempts >= $4) AS timers_set_aside,
           (SELECT min(due_at) FROM timers WHERE test_clock AND tenant_id = $1 AND due_at > now_at)
               AS next_due_at
      FROM tenant_clocks WHERE tenant_id = $1"""
_POSTPONE = "UPDATE timers SET attempts = attempts + 1, hidden_until = $2 WHERE timer_id = $1"
_DEAD_LETTERS = "SELECT * FROM parked WHERE $1::text IS NULL OR consumer = $1 ORDER BY position, topic"
_BLOCKED = "SELECT topic, stream_id, count(*) FROM parked WHERE consumer = $1 GROUP BY topic, stream_id"


_positions = msgspec.json.Decoder(dict[int, int])


class PostgresEventStore:
    """All ports of one context's store; the pool's role needs only the rights that the migrations grant."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        context: str,
        contracts: Contracts,
        owner: ClaimOwner = NoOwner(),  # noqa: B008 - it has no state
    ) -> None:
        """`context` is set on every record that is read; `owner`: of the idempotency keys claimed here."""
        self.context = context
        self.contracts = contracts
        self._pool = pool
        self._owner = owner
        self._heads: dict[tuple[int, int], tuple[int, int]] = {}

    async def load(self, tenant_id: str, stream_id: str) -> StreamHistory:
        rows = await self._fetch(_LOAD, stream_id, tenant_id)
        events = (self.contracts.decode(topic, state) for topic, state in rows)
        return StreamHistory(tuple(event for event in events if event is not None), len(rows))

    async def version(self, tenant_id: str, stream_id: str) -> int:
        rows = await self._fetch(_VERSION, stream_id, tenant_id)
        return int(rows[0][0]) if rows else 0

    async def streams(self, tenant_id: str, kind: str, after: int, limit: int) -> Sequence[StreamEntry]:
        return [StreamEntry(*row) for row in await self._fetch(_STREAMS, tenant_id, kind, after, limit)]

    async def newest(self, tenant_id: str, stream_id: str) -> StreamHistory:
        for version, topic, state in await self._fetch(_NEWEST, stream_id, tenant_id):
            event = self.contracts.decode(topic, state)
            return StreamHistory(() if event is None else (event,), version)
        return StreamHistory((), 0)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        rows, payload = rows_of(changes.appends, self.contracts), commit_payload(changes)
        with translate_errors():
            async with self._connection() as connection:
                if changes.side_writes or changes.response is not None:
                    async with connection.transaction():
                        receipt = await _write(connection, rows, payload)
                        await _write_after_events(connection, changes, receipt)
                        return receipt
                return await _write(connection, rows, payload)

    async def read_stable(self, after: int, limit: int) -> Sequence[EventRecord]:
        return [self._record(row) for row in await self._fetch(_READ, after, limit)]

    async def feed(self, partition: int, partitions: int, after: int, limit: int) -> FeedPage:
        known = self._heads.get((partition, partitions), (0, 0))
        summary, *rows = await self._fetch(_FEED, partition, partitions, after, limit, *known)
        self._heads[partition, partitions] = (summary["head"], summary["settled"])
        return FeedPage(tuple(self._record(row, row["previous"]) for row in rows), summary["head"])

    async def inbox(self, consumer: str) -> dict[tuple[str, int], InboxPosition]:
        rows = await self._fetch("SELECT * FROM inbox WHERE consumer = $1", consumer)
        return {(row["topic"], row["partition"]): inbox_position_of(row) for row in rows}

    async def due_timers(self, system_now: datetime, limit: int) -> Sequence[Timer]:
        return [timer_of(row) for row in await self._fetch(_DUE, system_now, limit)]

    async def postpone(self, timer_id: str, until: datetime) -> None:
        await self._fetch(_POSTPONE, timer_id, until)

    async def test_clock(self, tenant_id: str) -> TenantClock | None:
        rows = await self._fetch(_CLOCK, tenant_id)
        return TenantClock(*rows[0]) if rows else None

    async def advancing_tenants(self) -> Sequence[str]:
        return [tenant_id for (tenant_id,) in await self._fetch(_ADVANCING)]

    async def settled_position(self) -> int:
        return int((await self._fetch("SELECT settled_position()"))[0][0])

    async def tenant_activity(
        self, tenant_id: str, after: int, partitions: int, attempts_max: int
    ) -> TenantActivity:
        rows = await self._fetch(_ACTIVITY, tenant_id, after, partitions, attempts_max)
        if not rows:
            return TenantActivity(None)
        now_at, target_at, newest, *timers = rows[0]
        return TenantActivity(TenantClock(now_at, target_at), _positions.decode(newest), *timers)

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        owner = await self._owner.owner()
        with translate_errors():
            async with self._connection() as connection:
                return await claim(connection, key, owner, now)

    async def release(self, key: IdempotencyKey) -> None:
        with translate_errors():
            async with self._connection() as connection:
                await release(connection, key)

    async def delete_expired_keys(self, before: datetime, limit: int) -> int:
        with translate_errors():
            async with self._connection() as connection:
                return await delete_expired(connection, before, limit)

    async def dead_letters(self, consumer: str | None = None) -> Sequence[DeadLetter]:
        return [dead_letter_of(row) for row in await self._fetch(_DEAD_LETTERS, consumer)]

    async def blocked_streams(self, consumer: str) -> Mapping[tuple[str, str], int]:
        return {(topic, stream): count for topic, stream, count in await self._fetch(_BLOCKED, consumer)}

    def _connection(self) -> AbstractAsyncContextManager[Any]:
        return connection_of(self._pool)

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        return await fetch(self._pool, query, *arguments)

    def _record(self, row: asyncpg.Record, previous: int = 0) -> EventRecord:
        return EventRecord(
            context=self.context,
            tenant_id=row["tenant_id"],
            stream_id=row["originator_id"],
            version=row["originator_version"],
            wire_name=row["topic"],
            state=row["state"],
            position=row["notification_id"],
            slot=row["slot"],
            event_id=row["event_id"],
            metadata=metadata_of(row),
            recorded_at=row["recorded_at"],
            previous=previous,
        )


async def _write(connection: Any, rows: Sequence[EventRow], payload: str | None) -> CommitReceipt:
    if not rows and payload is None:
        return CommitReceipt()
    columns = (
        [row.stream_id for row in rows],
        [row.version for row in rows],
        [row.wire_name for row in rows],
        [row.state for row in rows],
        [row.tenant_id for row in rows],
        [row.event_id for row in rows],
        [row.slot for row in rows],
        [metadata_json(row.metadata) for row in rows],
    )
    written = (
        await connection.fetch(_APPEND, *columns)
        if payload is None
        else await connection.fetch(_COMMIT, *columns, payload)
    )
    return CommitReceipt(
        tuple(
            EventPosition(row.stream_id, row.version, position, row.slot)
            for row, (position,) in zip(rows, written, strict=True)
        )
    )


async def _write_after_events(connection: Any, changes: ChangeSet, receipt: CommitReceipt) -> None:
    for write in changes.side_writes:
        await write(connection, receipt)
    if changes.response is not None:
        key, response_to = changes.response
        await store_response(connection, key, response_to(receipt))
