"""The prefix of cache keys: it identifies the database whose rows are cached."""

import asyncpg

CONNECT_TIMEOUT_S = 10.0


async def cache_prefix(dsn: str) -> str:
    """`tollhouse:<id of the database>`, so that no other database's copies are ever read."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S)
    try:
        return f"tollhouse:{await connection.fetchval('SELECT id FROM generation')}"
    finally:
        await connection.close()
