"""What statements are run on: the process's pool, or the one connection of a transaction."""

from typing import Any, Protocol

import asyncpg


class Executor(Protocol):
    """The part of asyncpg that its pools and its connections share."""

    async def fetch(self, query: str, *args: Any) -> "list[asyncpg.Record]":
        """The rows of a statement."""
        ...

    async def execute(self, query: str, *args: Any) -> str:
        """The tag of a statement, such as `UPDATE 3`."""
        ...
