"""The prefix of cache keys, which names the database that is copied."""

import asyncpg

CONNECT_TIMEOUT_S = 10.0


async def cache_prefix(dsn: str) -> str:
    """`tollhouse:<generation of the database>`."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S)
    try:
        return f"tollhouse:{await connection.fetchval('SELECT id FROM generation')}"
    finally:
        await connection.close()
