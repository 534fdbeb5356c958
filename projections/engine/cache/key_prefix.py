"""Under which name the balances of a database are copied, so that none is taken for another's."""

import asyncpg

from projections.read_models.balances.projection import BALANCES

CONNECT_TIMEOUT_S = 10.0


async def balances_prefix(dsn: str) -> str:
    """`tollhouse:<generation of the database>:<table of the model>`."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S)
    try:
        generation = await connection.fetchval("SELECT id FROM generation")
    finally:
        await connection.close()
    return f"tollhouse:{generation}:{BALANCES.table}"
