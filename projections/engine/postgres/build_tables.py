"""Creates the tables of read models, and fills new ones from the event archive before the process serves."""

from collections.abc import Iterable
from typing import Any

import asyncpg

from projections.engine.postgres.event_archive import ARCHIVE_LOCK, page_of
from projections.engine.postgres.row_store import LIVE, PostgresRowStore
from projections.engine.projector import decoded_events, row_changes
from projections.engine.read_model import AnyModel
from shared.billing.contracts import CONTEXTS
from shared.framework.eventstore.records import CommitReceipt

PAGE = 1000
PREPARE_TIMEOUT_S = 600.0
# The process owns its tables; an audit has the rights of the database's owner.
_GRANT_TO_OWNER = """
DO $$ BEGIN
    EXECUTE 'GRANT SELECT ON {table} TO '
        || (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = split_part('{table}', '.', 1));
END $$"""


async def build_missing_tables(dsn: str, models: Iterable[AnyModel]) -> list[str]:
    """Create and fill the tables that do not exist; their names. Existing ones are not changed."""
    connection: Any = await asyncpg.connect(dsn, timeout=10.0, command_timeout=PREPARE_TIMEOUT_S)
    try:
        new = [model for model in models if not await _exists(connection, model)]
        if new:
            async with connection.transaction():
                # Nothing is added to the archive meanwhile, so no event is missed.
                await connection.execute(f"SELECT pg_advisory_xact_lock({ARCHIVE_LOCK})")
                new = [model for model in new if not await _exists(connection, model)]
                await _fill(connection, new)
        return [model.table for model in new]
    finally:
        await connection.close()


async def create_table(connection: Any, schema: str, model: AnyModel, *, indexed: bool = True) -> None:
    """Create the model's table, and its indexes for queries if `indexed`; existing ones are not changed."""
    columns = "".join(f", {name} text GENERATED ALWAYS AS (doc->>'{name}') STORED" for name in model.filters)
    table = f"{schema}.{model.table}"
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (tenant_id text NOT NULL, id text NOT NULL,"
        f" sort_at timestamptz NOT NULL, position bigint NOT NULL, arrival bigint NOT NULL,"
        f" doc jsonb NOT NULL, revision bigint NOT NULL, updated_at timestamptz NOT NULL{columns},"
        " PRIMARY KEY (tenant_id, id)) WITH (fillfactor = 80)"
    )
    order = "sort_at, position, id"
    indexes = {"time": order, "arrival": "arrival"} | {name: f"{name}, {order}" for name in model.filters}
    for name, key in indexes.items() if indexed else ():
        index = f"{model.table}_by_{name}"
        await connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} (tenant_id, {key})")


async def _exists(connection: Any, model: AnyModel) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{LIVE}.{model.table}"))


async def _fill(connection: Any, models: list[AnyModel]) -> None:
    rows = PostgresRowStore(connection)
    for model in models:
        await create_table(connection, LIVE, model)
        await connection.execute(_GRANT_TO_OWNER.format(table=f"{LIVE}.{model.table}"))
    for context in CONTEXTS:
        after = 0
        while page := await page_of(connection, context, after, PAGE):
            events = await decoded_events(page, models)
            for model in models:
                changes = await row_changes(model, events, rows.load)
                await rows.save_write(model, changes)(connection, CommitReceipt())
            after = page[-1].position
