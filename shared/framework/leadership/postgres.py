"""Leases as session advisory locks in PostgreSQL; they end with their connection."""

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

# If a host dies, only TCP keepalives detect it; the server then releases the locks within 25 s.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}

_UNAVAILABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_log = logging.getLogger(__name__)


class PostgresLeadership:
    """Leases of one process, on one connection of its own: the locks belong to the session."""

    def __init__(self, dsn: str, sleeper: Sleeper) -> None:
        """Connects at the first `acquire`; `dsn` must not point to a transaction pooler."""
        self._dsn = dsn
        self._sleeper = sleeper
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._connection_lock = asyncio.Lock()
        self._local_locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[Lease]:
        # A session can take its own lock again: tasks of this process need a lock between them.
        async with self._local_locks.setdefault(name, asyncio.Lock()):
            while (connection := await self._try(name)) is None:
                await self._sleeper.sleep(RETRY_INTERVAL_S)
            try:
                yield _SessionLease(name, connection)
            finally:
                await self._release(name, connection)

    async def close(self) -> None:
        """End the session, and with it all leases."""
        if self._connection is not None:
            self._connection.terminate()

    async def _try(self, name: str) -> "asyncpg.Connection[asyncpg.Record] | None":
        try:
            async with self._connection_lock:
                connection = await self._open()
                query = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
                return connection if await connection.fetchval(query, name) else None
        except _UNAVAILABLE as error:
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

    async def _release(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        try:
            async with self._connection_lock:
                if not connection.is_closed():
                    await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", name)
        except _UNAVAILABLE:
            connection.terminate()  # so that the server releases the lock


class _SessionLease:
    def __init__(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._name = name
        self._connection = connection

    def check(self) -> None:
        if self._connection.is_closed():
            raise LeadershipLost(self._name)
