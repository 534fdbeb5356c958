"""The event archive in PostgreSQL: the tables history and history_mentions (the customer index)."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from projections.engine.event_archive import ArchivePage, ArchiveQuery, CustomerStream
from projections.engine.postgres.executor import Executor
from projections.engine.read_model import Source, StreamSource
from shared.framework.eventstore.records import PAGE_BYTES_MAX, CommitReceipt, EventRecord, SideWrite
from shared.framework.eventstore.rows import event_record_of

ARCHIVE_LOCK = 80813
"""Advisory lock: shared by all who add to the archive, exclusive for who fills a new table from it."""

_FIELDS = "context position tenant_id stream_id version wire_name state slot event_id".split()
_NAMES = ", ".join((*_FIELDS, "metadata", "occurred_at", "recorded_at"))
_TYPES = "text bigint text text bigint text bytea smallint uuid text timestamptz timestamptz".split()
_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES, start=1))
_INSERT = (
    f"INSERT INTO history ({_NAMES}, arrival) SELECT {_NAMES.replace('metadata', 'metadata::jsonb')}, a.last"
    f" FROM arrivals AS a, unnest({_ARRAYS}) AS n({_NAMES})"
)
_COLUMNS = "h." + _NAMES.replace(", ", ", h.").replace("metadata", "metadata::text AS metadata")
_INSERT_INDEX = (
    "INSERT INTO history_mentions SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
    " ON CONFLICT DO NOTHING"
)


_field_values = attrgetter(*_FIELDS)


class PostgresEventArchive:
    """See `EventArchive`."""

    def __init__(self, executor: Executor) -> None:
        """Reads go through `executor`; writes through the connection of their transaction."""
        self._executor = executor

    def add_write(self, records: Sequence[EventRecord], index: Sequence[CustomerStream]) -> SideWrite:
        async def write(connection: Any, _: CommitReceipt) -> None:
            await connection.execute(f"SELECT pg_advisory_xact_lock_shared({ARCHIVE_LOCK})")
            # The row stays locked until the commit, so arrivals become visible in the order of their numbers.
            await connection.execute("UPDATE arrivals SET last = last + 1")
            if records:
                await connection.execute(_INSERT, *map(list, zip(*map(_values, records), strict=True)))
            if index:
                await connection.execute(_INSERT_INDEX, *map(list, zip(*index, strict=True)))

        return write

    async def records(
        self, tenant_id: str, source: Source, wire_names: Sequence[str]
    ) -> Sequence[EventRecord]:
        origin, wanted = _from(source)
        sql = f"SELECT {_COLUMNS} FROM {origin} AND h.wire_name = ANY($3) ORDER BY h.context, h.position"
        return await _fetch(self._executor, sql, tenant_id, wanted, list(wire_names))

    async def page(self, tenant_id: str, query: ArchiveQuery) -> ArchivePage:
        origin, wanted = _from(query.source)
        after = query.after
        start = (after.occurred_at, after.context, after.position) if after else (None, "", 0)
        sql = _up_to_page_bytes(
            f"SELECT {_COLUMNS} FROM {origin} AND ($3::timestamptz IS NULL OR h.occurred_at <= $3)"
            " AND ($4::timestamptz IS NULL OR (h.occurred_at, h.context, h.position) > ($4, $5, $6))"
            " AND h.arrival > $7 AND h.arrival <= $8"
            " ORDER BY h.occurred_at, h.context, h.position LIMIT $9",
            "occurred_at, context, position",
        )
        arguments = (tenant_id, wanted, query.as_of, *start, *query.arrived, query.limit + 1)
        found = await self._executor.fetch(sql, *arguments)
        records = [event_record_of(row) for row in found[: query.limit]]
        return ArchivePage(records, bool(found) and found[0]["rows_found"] > len(records))


async def page_of(executor: Executor, context: str, after: int, limit: int) -> list[EventRecord]:
    """At most `limit` records of a context after a position; a page also ends at PAGE_BYTES_MAX of state."""
    sql = _up_to_page_bytes(
        f"SELECT {_COLUMNS} FROM history h WHERE h.context = $1 AND h.position > $2"
        " ORDER BY h.position LIMIT $3",
        "position",
    )
    return await _fetch(executor, sql, context, after, limit)


def _up_to_page_bytes(select: str, order: str) -> str:
    """The first rows of a statement, up to the one that reaches PAGE_BYTES_MAX of state."""
    return (
        "SELECT * FROM ("
        "SELECT *, count(*) OVER () AS rows_found,"
        " sum(octet_length(state)) OVER in_order - octet_length(state) AS bytes_before"
        f" FROM ({select}) AS rows"
        f" WINDOW in_order AS (ORDER BY {order} ROWS UNBOUNDED PRECEDING)) AS page"
        f" WHERE bytes_before < {PAGE_BYTES_MAX} ORDER BY {order}"
    )


async def _fetch(executor: Executor, sql: str, *arguments: Any) -> list[EventRecord]:
    return [event_record_of(row) for row in await executor.fetch(sql, *arguments)]


def _values(record: EventRecord) -> tuple[Any, ...]:
    """The record's values of _NAMES."""
    metadata = record.metadata
    document = msgspec.json.encode(metadata).decode()
    return (*_field_values(record), document, metadata.occurred_at, record.recorded_at)


def _from(source: Source) -> tuple[str, str]:
    """The FROM clause with its condition on $1 and $2, and the value of $2."""
    if isinstance(source, StreamSource):
        return "history h WHERE h.tenant_id = $1 AND h.stream_id = $2", source.stream_id
    joined = "history h JOIN history_mentions m USING (tenant_id, context, stream_id)"
    return f"{joined} WHERE h.tenant_id = $1 AND m.customer_id = $2", source.customer_id
