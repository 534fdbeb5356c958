"""Where queries are executed: a pool, or the one connection of a transaction."""

from typing import Any, Protocol

import asyncpg


class Executor(Protocol):
    """The reads of an asyncpg connection; ReadPool has them too."""

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """The rows of a statement."""
