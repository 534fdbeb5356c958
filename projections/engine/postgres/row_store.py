"""Rows of read models in PostgreSQL: a JSON document per row, with generated columns for its filters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import asyncpg
import msgspec

from projections.engine.postgres.executor import Executor
from projections.engine.read_model import AnyModel, Key, RowChange, StoredRow
from projections.engine.row_store import RowQuery
from projections.engine.turns import Slices
from shared.framework.eventstore.pool import connection_of, translate_errors
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite

T = TypeVar("T")

LIVE = "live"
"""Schema of the tables that are served."""
REBUILT = "beside"
"""Schema of the tables that an audit builds."""

CHANGES_MAX = 250
"""Rows in one statement: their documents are encoded at once."""
KEYS_MAX = 1000

_COLUMNS = "tenant_id, id, sort_at, position, doc::text AS doc, revision, updated_at"
_INCOMING = (
    "unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::bigint[],"
    " $7::timestamptz[], $8::bigint[]) AS i(tenant_id, id, sort_at, position, doc, revision, updated_at,"
    " expected)"
)
# A row arrives with the event that made it, so a table that is built again has the same arrivals.
_ARRIVAL = (
    "(SELECT coalesce(min(h.arrival), (SELECT last FROM arrivals)) FROM history AS h"
    " WHERE h.context = ANY($9::text[]) AND h.position = i.position)"
)
_INSERT = (
    "INSERT INTO {table} (tenant_id, id, sort_at, position, arrival, doc, revision, updated_at)"
    f" SELECT tenant_id, id, sort_at, position, {_ARRIVAL}, doc::jsonb, revision, updated_at FROM {_INCOMING}"
    " WHERE expected = 0 ON CONFLICT DO NOTHING"
)
_UPDATE = (
    "UPDATE {table} AS t SET sort_at = i.sort_at, position = i.position, doc = i.doc::jsonb,"
    f" revision = i.revision, updated_at = i.updated_at FROM {_INCOMING}"
    " WHERE t.tenant_id = i.tenant_id AND t.id = i.id AND t.revision = i.expected"
)

# Amounts are integers and decimals are strings: a document is exact.
_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


class PostgresRowStore:
    """See `RowStore`. Reads go through `executor`; writes through the connection of their transaction."""

    def __init__(self, executor: Executor, schema: str = LIVE) -> None:
        """`schema`: LIVE or REBUILT."""
        self._executor = executor
        self._schema = schema

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        keyed = f"unnest($1::text[], $2::text[]) AS k(tenant_id, id) JOIN {self._table(model)}"
        found: dict[Key, StoredRow[Any]] = {}
        for some in chunks(list(keys), KEYS_MAX):
            columns = [list(column) for column in zip(*some, strict=True)]
            rows = await self._select(model, f"{keyed} USING (tenant_id, id)", *columns)
            found.update({row.key: row for row in rows})
        return found

    def save_write(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        new = [change for change in changes if change.expected == 0]
        known = [change for change in changes if change.expected > 0]

        async def write(connection: Any, _: CommitReceipt) -> None:
            written = 0
            for some in chunks(new, CHANGES_MAX):
                written += await self._execute(connection, _INSERT, model, some, model.contexts)
            for some in chunks(known, CHANGES_MAX):
                written += await self._execute(connection, _UPDATE, model, some)
            if written != len(changes):
                raise InboxConflict(f"rows of {model.name} have changed since they were read")

        return write

    async def _execute(
        self, connection: Any, statement: str, model: AnyModel, changes: Sequence[RowChange], *more: Any
    ) -> int:
        """The number of rows that were written."""
        sql = statement.format(table=self._table(model))
        tag: str = await connection.execute(sql, *_arrays(model, changes), *more)
        return int(tag.rpartition(" ")[2])

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        where, arguments = _conditions(model, query, first=2)
        origin = f"{self._table(model)} WHERE tenant_id = $1{where}"
        return await self._select(model, origin, query.tenant_id, *arguments)

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        _check_filter(model, column)
        where, arguments = _conditions(model, query, first=3)
        found = await self._executor.fetch(
            "SELECT wanted, page.* FROM unnest($2::text[]) AS w(wanted) CROSS JOIN LATERAL ("
            f"SELECT {_COLUMNS} FROM {self._table(model)}"
            f" WHERE tenant_id = $1 AND {column} = wanted{where}) AS page",
            query.tenant_id,
            list(values),
            *arguments,
        )
        pages: dict[str, list[StoredRow[Any]]] = {value: [] for value in values}
        slices = Slices()
        for row in found:
            pages[row["wanted"]].append(_stored_row(model, row))
            await slices.add()
        return pages

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        later = f"{self._table(model)} WHERE (tenant_id, id) > ($1, $2)"
        return await self._select(model, f"{later} ORDER BY tenant_id, id LIMIT $3", *after, limit)

    async def _select(self, model: AnyModel, origin: str, *arguments: Any) -> list[StoredRow[Any]]:
        found = await self._executor.fetch(f"SELECT {_COLUMNS} FROM {origin}", *arguments)
        slices, rows = Slices(), list[StoredRow[Any]]()
        for row in found:
            rows.append(_stored_row(model, row))
            await slices.add()
        return rows

    def _table(self, model: AnyModel) -> str:
        return f"{self._schema}.{model.table}"


class ReadPool:
    """An Executor on the process's pool. Raises StoreIsUnavailable while the database cannot be reached."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """The time limits of statements are those of the pool; waiting for a connection is limited too."""
        self._pool = pool

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        with translate_errors():
            async with connection_of(self._pool) as connection:
                rows: list[asyncpg.Record] = await connection.fetch(query, *args)
                return rows


def _arrays(model: AnyModel, changes: Sequence[RowChange]) -> list[list[Any]]:
    """The parameters of _INCOMING: one array per column."""
    rows = [change.stored for change in changes]
    return [
        [row.tenant_id for row in rows],
        [row.id for row in rows],
        [model.sorted_by(row.row) for row in rows],
        [row.position for row in rows],
        [_encoder.encode(row.row).decode() for row in rows],
        [row.revision for row in rows],
        [row.updated_at for row in rows],
        [change.expected for change in changes],
    ]


def _stored_row(model: AnyModel, found: "asyncpg.Record") -> StoredRow[Any]:
    row = _decoder(model).decode(found["doc"])
    return StoredRow(
        found["tenant_id"], found["id"], row, found["revision"], found["updated_at"], found["position"]
    )


@cache
def _decoder(model: AnyModel) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model.row)


def _conditions(model: AnyModel, query: RowQuery, *, first: int) -> tuple[str, list[Any]]:
    """The SQL after `WHERE tenant_id = $1`, and its parameters, numbered from `first`."""
    arguments: list[Any] = []

    def parameter(value: Any) -> str:
        arguments.append(value)
        return f"${first + len(arguments) - 1}"

    text = ""
    for column, value in query.filters:
        _check_filter(model, column)
        text += f" AND {column} = {parameter(value)}"
    if query.since is not None:
        text += f" AND sort_at >= {parameter(query.since)}"
    if query.until is not None:
        text += f" AND sort_at < {parameter(query.until)}"
    beyond, order = ("<", "DESC") if query.backwards else (">", "ASC")
    if query.beyond is not None:
        text += f" AND (sort_at, position, id) {beyond} ({', '.join(map(parameter, query.beyond))})"
    if query.arrived is not None:
        if query.arrived.after >= 0:
            text += f" AND arrival > {parameter(query.arrived.after)}"
        # "+ 0": not by the index of arrivals, for nearly all rows are below the upper bound; a planner
        # without statistics takes them for a few, and sorts them.
        text += f" AND arrival + 0 <= {parameter(query.arrived.until)}"
    ordered = f" ORDER BY sort_at {order}, position {order}, id {order}"
    return f"{text}{ordered} LIMIT {int(query.limit)}", arguments


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, at most `size` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _check_filter(model: AnyModel, column: str) -> None:
    if column not in model.filters:
        raise ValueError(f"{model.name} cannot be filtered by {column}")
