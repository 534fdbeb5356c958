"""The event archive in PostgreSQL: the tables history and history_mentions (the customer index)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from projections.engine.event_archive import ArchiveCursor, CustomerStream
from projections.engine.postgres.executor import Executor
from projections.engine.read_model import Source, StreamSource
from shared.framework.eventstore.records import PAGE_BYTES_MAX, CommitReceipt, EventRecord, SideWrite
from shared.framework.eventstore.rows import event_record_of

ARCHIVE_LOCK = 80813
"""Advisory lock: shared by all who add to the archive, exclusive for who fills a new table from it."""

_COLUMNS = (
    "h.context, h.position, h.tenant_id, h.stream_id, h.version, h.wire_name, h.state, h.slot, h.event_id,"
    " h.metadata::text AS metadata, h.occurred_at, h.recorded_at"
)
_TYPES = (
    "text[] bigint[] text[] text[] bigint[] text[]"
    " bytea[] smallint[] uuid[] text[] timestamptz[] timestamptz[]"
).split()
_INSERT = (
    "INSERT INTO history (context, position, tenant_id, stream_id, version, wire_name, state, slot, event_id,"
    " metadata, occurred_at, recorded_at) SELECT c, p, t, s, v, w, b, o, e, m::jsonb, a, r FROM unnest("
    + ", ".join(f"${number}::{kind}" for number, kind in enumerate(_TYPES, start=1))
    + ") AS n(c, p, t, s, v, w, b, o, e, m, a, r)"
)
_INSERT_INDEX = (
    "INSERT INTO history_mentions SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
    " ON CONFLICT DO NOTHING"
)


class PostgresEventArchive:
    """See `EventArchive`."""

    def __init__(self, executor: Executor) -> None:
        """Reads go through `executor`; writes through the connection of their transaction."""
        self._executor = executor

    def add_write(self, records: Sequence[EventRecord], index: Sequence[CustomerStream]) -> SideWrite:
        async def write(connection: Any, _: CommitReceipt) -> None:
            await connection.execute(f"SELECT pg_advisory_xact_lock_shared({ARCHIVE_LOCK})")
            if records:
                await connection.execute(_INSERT, *map(list, zip(*map(_values, records), strict=True)))
            if index:
                await connection.execute(_INSERT_INDEX, *map(list, zip(*index, strict=True)))

        return write

    async def records(
        self, tenant_id: str, source: Source, wire_names: Sequence[str]
    ) -> Sequence[EventRecord]:
        origin, wanted = _from(source)
        found = await self._executor.fetch(
            f"SELECT {_COLUMNS} FROM {origin} AND h.wire_name = ANY($3) ORDER BY h.context, h.position",
            tenant_id,
            wanted,
            list(wire_names),
        )
        return [event_record_of(row) for row in found]

    async def page(
        self, tenant_id: str, source: Source, as_of: datetime | None, after: ArchiveCursor | None, limit: int
    ) -> Sequence[EventRecord]:
        origin, wanted = _from(source)
        start = (after.occurred_at, after.context, after.position) if after else (None, "", 0)
        found = await self._executor.fetch(
            f"SELECT {_COLUMNS} FROM {origin} AND ($3::timestamptz IS NULL OR h.occurred_at <= $3)"
            " AND ($4::timestamptz IS NULL OR (h.occurred_at, h.context, h.position) > ($4, $5, $6))"
            " ORDER BY h.occurred_at, h.context, h.position LIMIT $7",
            tenant_id,
            wanted,
            as_of,
            *start,
            limit,
        )
        return [event_record_of(row) for row in found]


async def page_of(executor: Executor, context: str, after: int, limit: int) -> list[EventRecord]:
    """At most `limit` records of a context after a position; a page also ends at PAGE_BYTES_MAX of state."""
    found = await executor.fetch(
        "SELECT * FROM ("
        "SELECT *, sum(octet_length(state)) OVER in_order - octet_length(state) AS bytes_before"
        f" FROM (SELECT {_COLUMNS} FROM history h WHERE h.context = $1 AND h.position > $2"
        " ORDER BY h.position LIMIT $3) AS rows"
        " WINDOW in_order AS (ORDER BY position ROWS UNBOUNDED PRECEDING)) AS page"
        f" WHERE bytes_before < {PAGE_BYTES_MAX} ORDER BY position",
        context,
        after,
        limit,
    )
    return [event_record_of(row) for row in found]


def _values(record: EventRecord) -> tuple[Any, ...]:
    return (
        record.context,
        record.position,
        record.tenant_id,
        record.stream_id,
        record.version,
        record.wire_name,
        record.state,
        record.slot,
        record.event_id,
        msgspec.json.encode(record.metadata).decode(),
        record.metadata.occurred_at,
        record.recorded_at,
    )


def _from(source: Source) -> tuple[str, str]:
    """The FROM clause with its condition on $1 and $2, and the value of $2."""
    if isinstance(source, StreamSource):
        return "history h WHERE h.tenant_id = $1 AND h.stream_id = $2", source.stream_id
    joined = "history h JOIN history_mentions m USING (tenant_id, context, stream_id)"
    return f"{joined} WHERE h.tenant_id = $1 AND m.customer_id = $2", source.customer_id
