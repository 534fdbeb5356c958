"""How much unfinished work the database of a context holds; read when metrics are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

COUNTED_MAX = 10_000
"""Due timers are counted up to here: more is an alert all the same, and the query stays cheap."""

_BACKLOG = """
    WITH system AS (
        SELECT due_at FROM timers WHERE NOT test_clock AND due_at <= $2 ORDER BY due_at LIMIT $3
    ), test AS (
        SELECT 1 FROM timers JOIN tenant_clocks USING (tenant_id)
         WHERE test_clock AND due_at <= now_at LIMIT $3
    )
    SELECT coalesce((SELECT max(notification_id) FROM events), 0) AS head,
           coalesce((SELECT position FROM relay_cursor WHERE name = $1), 0) AS relayed,
           (SELECT count(*) FROM system) + (SELECT count(*) FROM test) AS timers_due,
           (SELECT min(due_at) FROM system) AS oldest_due_at,
           pg_database_size(current_database()) AS bytes"""
_DEAD_LETTERS = (
    "SELECT consumer, count(*) AS records, min(parked_at) AS oldest_at FROM parked GROUP BY consumer"
)


@dataclass(frozen=True, slots=True)
class DeadLetterBacklog:
    """The dead letters of one consumer, with the later events of their streams; `oldest_at` set aside."""

    records: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Committed and published positions, timers that are due, dead letters by consumer, and size on disk.

    `oldest_due_at`: of timers by the system's clock; a test clock's leap makes its timers old in a moment.
    """

    head: int
    relayed: int
    timers_due: int
    oldest_due_at: datetime | None
    dead_letters: Mapping[str, DeadLetterBacklog]
    database_bytes: int


async def read_backlog(
    pool: "asyncpg.Pool[asyncpg.Record]", relay_cursor: str, now: datetime, timeout_s: float
) -> Backlog:
    """Read it. Raises what the driver raises, TimeoutError after `timeout_s`."""
    async with pool.acquire(timeout=timeout_s) as connection:
        [row] = await connection.fetch(_BACKLOG, relay_cursor, now, COUNTED_MAX, timeout=timeout_s)
        letters = await connection.fetch(_DEAD_LETTERS, timeout=timeout_s)
    return Backlog(
        head=row["head"],
        relayed=row["relayed"],
        timers_due=row["timers_due"],
        oldest_due_at=row["oldest_due_at"],
        dead_letters={
            consumer: DeadLetterBacklog(records, oldest_at) for consumer, records, oldest_at in letters
        },
        database_bytes=row["bytes"],
    )
