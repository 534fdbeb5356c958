"""A snapshot in PostgreSQL: one repeatable-read transaction, rolled back at the end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections.audit.report import Difference
from projections.engine.customer_index import CustomerStream
from projections.engine.folding import RowChange
from projections.engine.freshness import LatestEventTime
from projections.engine.postgres.event_archive import page_of
from projections.engine.postgres.row_store import PostgresRowStore
from projections.engine.postgres.tables import BESIDE, LIVE, make
from projections.engine.read_model import AnyModel
from projections.register import READ_MODELS
from shared.framework.eventstore.records import EventRecord

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 600.0
DIFFERENCES_MAX = 1000
"""Per model; more would say nothing more."""

_COMPARED = "sort_at, doc, revision, updated_at"


class PostgresAuditSnapshot:
    """See `Snapshot`."""

    def __init__(self, connection: Any, consumer: str) -> None:
        """Within the transaction of `postgres_snapshot`."""
        self.live = PostgresRowStore(connection, LIVE)
        self.beside = PostgresRowStore(connection, BESIDE)
        self.connection = connection
        self._consumer = consumer

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        """How far each (topic, partition) had been heard."""
        rows = await self.connection.fetch(
            "SELECT topic, partition, position FROM inbox WHERE consumer = $1", self._consumer
        )
        return {(row["topic"], row["partition"]): row["position"] for row in rows}

    async def write(self, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """Put rows beside."""
        await self.beside.write(self.connection, model, changes)

    async def compare(self, model: AnyModel) -> list[Difference]:
        """Every row that is not the same here and beside, in all of its columns."""
        rows = await self.connection.fetch(
            "SELECT tenant_id, id, l.doc::text AS live, b.doc::text AS rebuilt"
            f" FROM {LIVE}.{model.table} AS l FULL JOIN {BESIDE}.{model.table} AS b USING (tenant_id, id)"
            f" WHERE {_row('l')} IS DISTINCT FROM {_row('b')} ORDER BY tenant_id, id LIMIT {DIFFERENCES_MAX}"
        )
        return [
            Difference(
                model.name, row["tenant_id"], row["id"], describe_difference(row["live"], row["rebuilt"])
            )
            for row in rows
        ]

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        """Rows served, and a digest of their digests in the order of their keys."""
        line = f"md5(concat_ws('|', tenant_id, id, {_COMPARED}))"
        rows = await self.connection.fetch(
            f"SELECT count(*) AS rows, md5(coalesce(string_agg({line}, '' ORDER BY tenant_id, id), ''))"
            f" AS digest FROM {LIVE}.{model.table}"
        )
        return rows[0]["rows"], rows[0]["digest"]

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        """The raw history of a context, by position."""
        return await page_of(self.connection, context, after, limit)

    async def customer_streams(self) -> set[CustomerStream]:
        """Which streams were said to speak of which customers."""
        return {CustomerStream(*row) for row in await self.connection.fetch("SELECT * FROM history_mentions")}

    async def latest_event_times(self) -> set[LatestEventTime]:
        """The newest moments that were noted."""
        return {LatestEventTime(*row) for row in await self.connection.fetch("SELECT * FROM freshness")}


@asynccontextmanager
async def postgres_snapshot(dsn: str, consumer: str) -> AsyncIterator[PostgresAuditSnapshot]:
    """The read side as it stands now; nothing that is done in it remains."""
    connection: Any = await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S
    )
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        for model in READ_MODELS:
            await make(connection, BESIDE, model, searched=False)
        yield PostgresAuditSnapshot(connection, consumer)
        await transaction.rollback()
    finally:
        await connection.close()


def describe_difference(live: str | None, rebuilt: str | None) -> str:
    """What is different about a row, in words."""
    if live is None:
        return f"missing; history says {rebuilt}"
    if rebuilt is None:
        return f"history knows no such row, but it is served: {live}"
    if live == rebuilt:
        return f"its place, revision or moment differs; the document is {live}"
    return f"served {live}; history says {rebuilt}"


def _row(alias: str) -> str:
    return "ROW(" + ", ".join(f"{alias}.{column}" for column in _COMPARED.split(", ")) + ")"
