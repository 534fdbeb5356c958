"""Where statements are executed: a pool, or the one connection of a transaction."""

from typing import Any, Protocol

import asyncpg


class Executor(Protocol):
    """The methods that are used of an asyncpg connection, and that ReadPool has too."""

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """The rows of a statement."""
        ...

    async def execute(self, query: str, *args: Any) -> str:
        """The tag of a statement, such as `UPDATE 3`."""
        ...
