"""A snapshot in PostgreSQL: one repeatable-read transaction, rolled back at the end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections.audit.report import Difference
from projections.engine.event_archive import CustomerStream
from projections.engine.freshness import LatestEventTime
from projections.engine.postgres.build_tables import create_table
from projections.engine.postgres.event_archive import page_of
from projections.engine.postgres.row_store import LIVE, REBUILT, PostgresRowStore
from projections.engine.read_model import AnyModel
from projections.register import READ_MODELS
from shared.framework.eventstore.records import EventRecord

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 600.0
DIFFERENCES_MAX = 1000
"""Per model; more would add no information."""

_COMPARED = "sort_at, position, doc, revision, updated_at"


class PostgresAuditSnapshot:
    """See `AuditSnapshot`."""

    def __init__(self, connection: Any, consumer: str) -> None:
        """Within the transaction of `postgres_snapshot`."""
        self.live = PostgresRowStore(connection, LIVE)
        self.rebuilt = PostgresRowStore(connection, REBUILT)
        self.connection = connection
        self._consumer = consumer

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        rows = await self.connection.fetch(
            "SELECT topic, partition, position FROM inbox WHERE consumer = $1", self._consumer
        )
        return {(row["topic"], row["partition"]): row["position"] for row in rows}

    async def compare(self, model: AnyModel) -> list[Difference]:
        rows = await self.connection.fetch(
            "SELECT tenant_id, id, l.doc::text AS live, r.doc::text AS rebuilt"
            f" FROM {LIVE}.{model.table} AS l FULL JOIN {REBUILT}.{model.table} AS r USING (tenant_id, id)"
            f" WHERE {_row('l')} IS DISTINCT FROM {_row('r')} ORDER BY tenant_id, id LIMIT {DIFFERENCES_MAX}"
        )
        return [
            Difference(
                model.name, row["tenant_id"], row["id"], describe_difference(row["live"], row["rebuilt"])
            )
            for row in rows
        ]

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        line = f"md5(concat_ws('|', tenant_id, id, {_COMPARED}))"
        rows = await self.connection.fetch(
            f"SELECT count(*) AS rows, md5(coalesce(string_agg({line}, '' ORDER BY tenant_id, id), ''))"
            f" AS digest FROM {LIVE}.{model.table}"
        )
        return rows[0]["rows"], rows[0]["digest"]

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        return await page_of(self.connection, context, after, limit)

    async def customer_streams(self) -> set[CustomerStream]:
        return {CustomerStream(*row) for row in await self.connection.fetch("SELECT * FROM history_mentions")}

    async def latest_event_times(self) -> set[LatestEventTime]:
        return {LatestEventTime(*row) for row in await self.connection.fetch("SELECT * FROM freshness")}


@asynccontextmanager
async def postgres_snapshot(dsn: str, consumer: str) -> AsyncIterator[PostgresAuditSnapshot]:
    """A snapshot of the read side as it is now; everything done in it is rolled back."""
    connection: Any = await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S
    )
    try:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        for model in READ_MODELS:
            await create_table(connection, REBUILT, model, indexed=False)
        yield PostgresAuditSnapshot(connection, consumer)
        await transaction.rollback()
    finally:
        await connection.close()


def describe_difference(live: str | None, rebuilt: str | None) -> str:
    """The two documents of a row that differs; None: there is no row."""
    if live == rebuilt:
        return f"sort_at, position, revision or updated_at differs; served and rebuilt {live}"
    return f"served {live or 'no row'}; rebuilt {rebuilt or 'no row'}"


def _row(alias: str) -> str:
    return "ROW(" + ", ".join(f"{alias}.{column}" for column in _COMPARED.split(", ")) + ")"
