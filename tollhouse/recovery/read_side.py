"""Takes out of the read side what the contexts do not have."""

from collections.abc import Collection
from typing import Any

from projections.engine.postgres.event_archive import PostgresEventArchive
from projections.engine.projector import customer_streams, decoded_events
from projections.engine.read_model import StreamSource
from projections.register import READ_MODELS
from shared.billing.contracts import EVENTS
from shared.framework.eventstore.records import CommitReceipt, EventRecord
from tollhouse.servers.topics import PARTITIONS

_RENAME = "UPDATE generation SET id = gen_random_uuid()"
_TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'live'"
_REMOVE = "DELETE FROM history WHERE context = $1 AND position = $2"
_REMOVE_INDEX = "DELETE FROM history_mentions WHERE tenant_id = $1 AND context = $2 AND stream_id = $3"
_FRESHNESS = """
    INSERT INTO freshness
    SELECT tenant_id, context, (slot % $1)::int, max(occurred_at) FROM history GROUP BY 1, 2, 3"""


async def remove_lost_events(connection: Any, lost: Collection[EventRecord]) -> None:
    """Remove events from the archive. The rows of read models are folded again when the service starts."""
    async with connection.transaction():
        for record in lost:
            await connection.execute(_REMOVE, record.context, record.position)
        for tenant_id, context, stream_id in {(one.tenant_id, one.context, one.stream_id) for one in lost}:
            await connection.execute(_REMOVE_INDEX, tenant_id, context, stream_id)
            await _index_again(connection, tenant_id, context, stream_id)
        await connection.execute("TRUNCATE freshness")
        await connection.execute(_FRESHNESS, PARTITIONS)
        await _drop_rows(connection)


async def reset(connection: Any) -> None:
    """Remove everything: the read side reads all feeds from their beginning when the service starts."""
    async with connection.transaction():
        await connection.execute("TRUNCATE history, history_mentions, freshness; DELETE FROM inbox")
        await _drop_rows(connection)


async def rename(connection: Any) -> None:
    """Give the database another id: copies of its rows in Redis are not found any more."""
    await connection.execute(_RENAME)


async def _drop_rows(connection: Any) -> None:
    for row in await connection.fetch(_TABLES):
        await connection.execute(f"DROP TABLE {row[0]}")


async def _index_again(connection: Any, tenant_id: str, context: str, stream_id: str) -> None:
    archive = PostgresEventArchive(connection)
    records = await archive.records(tenant_id, StreamSource(stream_id), list(EVENTS))
    index = customer_streams(
        await decoded_events([one for one in records if one.context == context], READ_MODELS)
    )
    await archive.add_write([], index)(connection, CommitReceipt())
