"""Reads all positions of an installation, to find databases that were restored to different moments."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.billing.contracts import TOPICS
from tollhouse.recovery.positions import (
    Contradiction,
    History,
    KnownPosition,
    contradictions,
    history_of,
    known_positions,
)

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """All positions of an installation."""

    known: list[KnownPosition]
    histories: Mapping[str, History]

    @property
    def contradictions(self) -> list[Contradiction]:
        """What does not fit together; empty in a healthy installation."""
        return contradictions(self.known, self.histories)

    def highest(self, context: str) -> int:
        """The highest position of a context that anyone knows, itself included."""
        history = self.histories[context]
        return max(
            [history.drawn, history.last, *(one.position for one in self.known if one.context == context)]
        )


@asynccontextmanager
async def owner_connections(dsns: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
    """A connection to the database of each process, by name; all are closed at the end of the block."""
    connections: dict[str, Any] = {}
    try:
        for name, dsn in dsns.items():
            connections[name] = await asyncpg.connect(
                dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S
            )
        yield connections
    finally:
        await asyncio.gather(*(connection.close() for connection in connections.values()))


async def inspect(connections: Mapping[str, Any]) -> Inspection:
    """Read all positions; right in a running installation too, because what is known is read first."""
    known = [
        position
        for name, connection in connections.items()
        for position in await known_positions(connection, name)
    ]
    histories = {name: await history_of(connections[name]) for name in TOPICS if name in connections}
    return Inspection(known, histories)


async def inspect_dsns(dsns: Mapping[str, str]) -> Inspection:
    """Read all positions through connections of its own."""
    async with owner_connections(dsns) as connections:
        return await inspect(connections)
