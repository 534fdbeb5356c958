"""The process's pool for reads: a database that is away is told as such, never as a defect."""

from typing import Any

import asyncpg

from shared.framework.eventstore.pool import connection_of, translate_errors


class ReadPool:
    """An executor that raises StoreIsUnavailable when the database is away."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """The pool carries the time limits of statements; here is one on waiting for a connection."""
        self._pool = pool

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """The rows of a statement."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                rows: list[asyncpg.Record] = await connection.fetch(query, *args)
                return rows

    async def execute(self, query: str, *args: Any) -> str:
        """The tag of a statement."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                return str(await connection.execute(query, *args))
