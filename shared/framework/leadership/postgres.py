"""Leases as session advisory locks on one direct connection: they end when the connection does."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.framework.leadership.port import LeadershipLost, Lease
from shared.framework.retry.backoff import Sleeper

RETRY_INTERVAL_S = 0.5
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 5.0

# The death of a host is seen through TCP alone; the server then lets go of the locks within half a minute.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}

_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_log = logging.getLogger(__name__)


class PostgresLeadership:
    """All leases of one process share one connection, not a pooled one: locks belong to the session."""

    def __init__(self, dsn: str, sleeper: Sleeper) -> None:
        """Connects when the first lease is asked for; `dsn` must not lead through a transaction pooler."""
        self._dsn = dsn
        self._sleeper = sleeper
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()
        self._held_here: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[Lease]:
        """See Leadership: stands twice a second, and comes back from a database that was away."""
        # A session is given a lock that it has already: within this process we must keep each other out.
        async with self._held_here.setdefault(name, asyncio.Lock()):
            while (connection := await self._try(name)) is None:
                await self._sleeper.sleep(RETRY_INTERVAL_S)
            try:
                yield _SessionLease(name, connection)
            finally:
                await self._give_back(name, connection)

    async def close(self) -> None:
        """End the session, and with it every lease."""
        if self._connection is not None:
            self._connection.terminate()

    async def _try(self, name: str) -> "asyncpg.Connection[asyncpg.Record] | None":
        try:
            async with self._turn:
                connection = await self._open()
                query = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
                return connection if await connection.fetchval(query, name) else None
        except _AWAY as error:
            _log.warning("leadership cannot be acquired", extra={"lease": name, "cause": repr(error)})
            return None

    async def _open(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings=_KEEPALIVE,
            )
        return self._connection

    async def _give_back(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        try:
            async with self._turn:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", name)
        except _AWAY:
            connection.terminate()  # a session that does not answer must not keep the lock


class _SessionLease:
    def __init__(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._name = name
        self._connection = connection

    def check(self) -> None:
        if self._connection.is_closed():
            raise LeadershipLost(self._name)
