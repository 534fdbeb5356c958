"""Rows of read models in PostgreSQL: one document per row, searched by generated columns."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from projections.engine.folding import RowChange
from projections.engine.postgres.executor import Executor
from projections.engine.postgres.tables import COLUMNS, LIVE, document, stored_of
from projections.engine.read_model import AnyModel, Key, StoredRow
from projections.engine.row_store import RowQuery
from shared.framework.eventstore.ports import InboxConflict
from shared.framework.eventstore.records import CommitReceipt, SideWrite

_INCOMING = (
    "unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[], $6::timestamptz[],"
    " $7::bigint[]) AS i(tenant_id, id, sort_at, doc, revision, updated_at, expected)"
)


class PostgresRowStore:
    """See `RowStore`. Reads go through `executor`; writes through the connection of their transaction."""

    def __init__(self, executor: Executor, schema: str = LIVE) -> None:
        """`schema`: live, or beside it while an audit rebuilds."""
        self._executor = executor
        self._schema = schema

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """The rows that are there."""
        columns = [list(column) for column in zip(*keys, strict=True)] or [[], []]
        found = await self._executor.fetch(
            f"SELECT {COLUMNS} FROM unnest($1::text[], $2::text[]) AS k(tenant_id, id)"
            f" JOIN {self._table(model)} USING (tenant_id, id)",
            *columns,
        )
        rows = (stored_of(model, row) for row in found)
        return {row.key: row for row in rows}

    def save(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        """One statement for new rows, one for known ones; InboxConflict if another writer was first."""

        async def write(connection: Any, _: CommitReceipt) -> None:
            await self.write(connection, model, changes)

        return write

    async def write(self, connection: Executor, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """The same, at once."""
        new = [change for change in changes if change.expected == 0]
        known = [change for change in changes if change.expected > 0]
        table = self._table(model)
        written = 0
        if new:
            written += await _count(
                connection,
                f"INSERT INTO {table} (tenant_id, id, sort_at, doc, revision, updated_at)"
                f" SELECT tenant_id, id, sort_at, doc::jsonb, revision, updated_at FROM {_INCOMING}"
                " WHERE expected = 0 ON CONFLICT DO NOTHING",
                *_columns(model, new),
            )
        if known:
            written += await _count(
                connection,
                f"UPDATE {table} AS t SET sort_at = i.sort_at, doc = i.doc::jsonb, revision = i.revision,"
                f" updated_at = i.updated_at FROM {_INCOMING}"
                " WHERE t.tenant_id = i.tenant_id AND t.id = i.id AND t.revision = i.expected",
                *_columns(model, known),
            )
        if written != len(changes):
            raise InboxConflict(f"rows of {model.name} have changed since they were read")

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """The rows of the query."""
        where, arguments = _conditions(model, query, first=2)
        found = await self._executor.fetch(
            f"SELECT {COLUMNS} FROM {self._table(model)} WHERE tenant_id = $1{where}",
            query.tenant_id,
            *arguments,
        )
        return [stored_of(model, row) for row in found]

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        """For each value of a filter column the rows of the query, in one statement."""
        _must_be_searchable(model, column)
        where, arguments = _conditions(model, query, first=3)
        found = await self._executor.fetch(
            f"SELECT wanted, page.* FROM unnest($2::text[]) AS w(wanted) CROSS JOIN LATERAL (SELECT {COLUMNS}"
            f" FROM {self._table(model)} WHERE tenant_id = $1 AND {column} = wanted{where}) AS page",
            query.tenant_id,
            list(values),
            *arguments,
        )
        pages: dict[str, list[StoredRow[Any]]] = {value: [] for value in values}
        for row in found:
            pages[row["wanted"]].append(stored_of(model, row))
        return pages

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        """The rows of every tenant after a key, by key."""
        found = await self._executor.fetch(
            f"SELECT {COLUMNS} FROM {self._table(model)} WHERE (tenant_id, id) > ($1, $2)"
            " ORDER BY tenant_id, id LIMIT $3",
            *after,
            limit,
        )
        return [stored_of(model, row) for row in found]

    def _table(self, model: AnyModel) -> str:
        return f"{self._schema}.{model.table}"


def _columns(model: AnyModel, changes: Sequence[RowChange]) -> list[list[Any]]:
    rows = [change.stored for change in changes]
    return [
        [row.tenant_id for row in rows],
        [row.id for row in rows],
        [model.sorted_by(row.row) for row in rows],
        [document(row) for row in rows],
        [row.revision for row in rows],
        [row.updated_at for row in rows],
        [change.expected for change in changes],
    ]


async def _count(connection: Executor, statement: str, *arguments: Any) -> int:
    return int((await connection.execute(statement, *arguments)).rpartition(" ")[2])


def _conditions(model: AnyModel, query: RowQuery, *, first: int) -> tuple[str, list[Any]]:
    """What follows `WHERE tenant_id = $1`, with parameters numbered from `first`."""
    parts: list[tuple[str, tuple[Any, ...]]] = []
    for column, value in query.filters:
        _must_be_searchable(model, column)
        parts.append((f"{column} = {{}}", (value,)))
    if query.since is not None:
        parts.append(("sort_at >= {}", (query.since,)))
    if query.until is not None:
        parts.append(("sort_at < {}", (query.until,)))
    if query.after is not None:
        parts.append(("(sort_at, id) > ({}, {})", query.after))
    text = ""
    arguments: list[Any] = []
    for condition, values in parts:
        places = [f"${first + len(arguments) + number}" for number in range(len(values))]
        text += " AND " + condition.format(*places)
        arguments.extend(values)
    return f"{text} ORDER BY sort_at, id LIMIT {int(query.limit)}", arguments


def _must_be_searchable(model: AnyModel, column: str) -> None:
    if column not in model.filters:
        raise ValueError(f"{model.name} cannot be searched by {column}")
