"""How far the relay has come: one number, moved by compare-and-set, so that two relays never both believe."""

from typing import Protocol

import asyncpg

from shared.framework.eventstore.pool import connection_of, translate_errors
from shared.framework.retry.transient import TransientFailure

_BEGIN = "INSERT INTO relay_cursor (name, position) VALUES ($1, 0) ON CONFLICT DO NOTHING"
_WHERE = "SELECT position FROM relay_cursor WHERE name = $1"
_MOVE = "UPDATE relay_cursor SET position = $3 WHERE name = $1 AND position = $2"


class CursorConflict(TransientFailure):
    """Another relay has moved the cursor: drop the producer and begin again from where it stands."""


class RelayCursor(Protocol):
    """The position up to which everything was acknowledged by the broker."""

    async def position(self) -> int:
        """Where it stands (0: nothing was ever relayed)."""
        ...

    async def advance(self, expected: int, position: int) -> None:
        """Move on from `expected`. CursorConflict."""
        ...


class MemoryCursor:
    """A cursor that lives as long as its object."""

    def __init__(self) -> None:
        """At the beginning."""
        self._position = 0

    async def position(self) -> int:
        """See RelayCursor."""
        return self._position

    async def advance(self, expected: int, position: int) -> None:
        """See RelayCursor."""
        if self._position != expected:
            raise CursorConflict(f"at {self._position}, not at {expected}")
        self._position = position


class PostgresCursor:
    """A row of `relay_cursor` in the context's own database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> None:
        """`name` tells one relay of a database from another."""
        self._pool = pool
        self._name = name

    async def position(self) -> int:
        """See RelayCursor; the row is made when it is first asked for. StoreIsUnavailable."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                await connection.execute(_BEGIN, self._name)
                return int(await connection.fetchval(_WHERE, self._name))

    async def advance(self, expected: int, position: int) -> None:
        """See RelayCursor."""
        with translate_errors():
            async with connection_of(self._pool) as connection:
                done = await connection.execute(_MOVE, self._name, expected, position)
        if done != "UPDATE 1":
            raise CursorConflict(f"{self._name} is not at {expected}")
