"""Leases as session advisory locks in PostgreSQL; they end with their session (session.py)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.framework.leadership.port import LeadershipLost, Lease
from shared.framework.leadership.session import UNAVAILABLE, LockSession
from shared.framework.retry.backoff import Sleeper

RETRY_INTERVAL_S = 0.5

_TAKE = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_GIVE_BACK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"

_log = logging.getLogger(__name__)


class PostgresLeadership:
    """Leases of one process, in its session for locks."""

    def __init__(self, session: LockSession, sleeper: Sleeper) -> None:
        """`session` is closed by its owner."""
        self._session = session
        self._sleeper = sleeper
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

    async def _try(self, name: str) -> "asyncpg.Connection[asyncpg.Record] | None":
        try:
            taken, connection = await self._session.run(_TAKE, name)
            return connection if taken else None
        except UNAVAILABLE as error:
            _log.warning("leadership cannot be acquired", extra={"lease": name, "cause": repr(error)})
            return None

    async def _release(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        try:
            await self._session.run_on(connection, _GIVE_BACK, name)
        except UNAVAILABLE:
            connection.terminate()  # so that the server releases the lock


class _SessionLease:
    def __init__(self, name: str, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._name = name
        self._connection = connection

    def check(self) -> None:
        if self._connection.is_closed():
            raise LeadershipLost(self._name)
