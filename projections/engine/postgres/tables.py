"""The table that a read model's definition describes, and how its rows are written and read."""

from functools import cache
from typing import Any

import asyncpg
import msgspec

from projections.engine.postgres.executor import Executor
from projections.engine.read_model import AnyModel, StoredRow

LIVE = "live"
BESIDE = "beside"

COLUMNS = "tenant_id, id, sort_at, doc::text AS doc, revision, updated_at"

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")


async def make(executor: Executor, schema: str, model: AnyModel, *, searched: bool = True) -> None:
    """Make the model's table, and indexes if it is to be searched; a table that is there stays as it is."""
    columns = "".join(f", {name} text GENERATED ALWAYS AS (doc->>'{name}') STORED" for name in model.filters)
    table = f"{schema}.{model.table}"
    await executor.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (tenant_id text NOT NULL, id text NOT NULL,"
        f" sort_at timestamptz NOT NULL, doc jsonb NOT NULL, revision bigint NOT NULL,"
        f" updated_at timestamptz NOT NULL{columns}, PRIMARY KEY (tenant_id, id)) WITH (fillfactor = 80)"
    )
    for name in ("", *model.filters) if searched else ():
        key = f"tenant_id, {name}, sort_at, id" if name else "tenant_id, sort_at, id"
        index = f"{model.table}_by_{name or 'time'}"
        await executor.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({key})")


async def is_made(executor: Executor, schema: str, model: AnyModel) -> bool:
    """Whether the model's table is there."""
    found = await executor.fetch("SELECT to_regclass($1) IS NOT NULL AS made", f"{schema}.{model.table}")
    return bool(found[0]["made"])


def document(stored: StoredRow[Any]) -> str:
    """The row as JSON: exact, for amounts are integers and decimals are strings."""
    return _encoder.encode(stored.row).decode()


def stored_of(model: AnyModel, found: "asyncpg.Record") -> StoredRow[Any]:
    """A row as read with COLUMNS."""
    row = _decoder(model).decode(found["doc"])
    return StoredRow(found["tenant_id"], found["id"], row, found["revision"], found["updated_at"])


@cache
def _decoder(model: AnyModel) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model.row)
