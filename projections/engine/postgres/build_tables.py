"""Tables of new read models, filled from history before anybody is served from them."""

from collections.abc import Iterable
from typing import Any

import asyncpg

from projections.engine.folding import facts_of, row_changes
from projections.engine.postgres.event_archive import GROWING, page_of
from projections.engine.postgres.row_store import PostgresRowStore
from projections.engine.postgres.tables import LIVE, is_made, make
from projections.engine.read_model import AnyModel
from shared.billing.contracts import CONTEXTS
from shared.framework.eventstore.records import CommitReceipt

PAGE = 1000
PREPARE_TIMEOUT_S = 600.0
_LET_OWNER_LOOK = """
DO $$ BEGIN
    EXECUTE 'GRANT SELECT ON {table} TO '
        || (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = split_part('{table}', '.', 1));
END $$"""  # the process owns its tables; an audit is done by the owner of the database
_ALONE = f"SELECT pg_advisory_xact_lock({GROWING})"  # nothing is heard meanwhile, so nothing is missed


async def build_missing_tables(dsn: str, models: Iterable[AnyModel]) -> list[str]:
    """Make and fill the tables that are not there yet; their names. What is there stays as it is."""
    connection: Any = await asyncpg.connect(dsn, timeout=10.0, command_timeout=PREPARE_TIMEOUT_S)
    try:
        new = [model for model in models if not await is_made(connection, LIVE, model)]
        if new:
            async with connection.transaction():
                await connection.execute(_ALONE)
                new = [model for model in new if not await is_made(connection, LIVE, model)]
                await _fill(connection, new)
        return [model.table for model in new]
    finally:
        await connection.close()


async def _fill(connection: Any, models: list[AnyModel]) -> None:
    rows = PostgresRowStore(connection)
    for model in models:
        await make(connection, LIVE, model)
        await connection.execute(_LET_OWNER_LOOK.format(table=f"{LIVE}.{model.table}"))
    for context in CONTEXTS:
        after = 0
        while page := await page_of(connection, context, after, PAGE):
            facts = facts_of(page, models)
            for model in models:
                await rows.save(model, await row_changes(model, facts, rows.load))(
                    connection, CommitReceipt()
                )
            after = page[-1].position
