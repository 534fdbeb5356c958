"""A database session of a process for locks that end with the process, also when it only stands still."""

import asyncio
import logging

import asyncpg

from shared.framework.retry.backoff import Sleeper

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 5.0
IDLE_MAX_S = 5.0
"""The server ends a session that said nothing for so long, and with it its locks."""
HEARTBEAT_S = 1.0
OWNER_RETRY_S = 1.0
"""Commands do not wait for a server that refuses sessions: their claims have no owner meanwhile."""

# Three ends: the process dies, and the server sees the socket closed; the host dies, and the keepalives find
# out within 25 s; the process stands still with its sockets open, and the server ends the idle session.
_SETTINGS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": f"{IDLE_MAX_S:g}s",
}

_CLAIM_OWNER = """
    WITH owner AS (SELECT nextval('claim_owners') AS number)
    SELECT number FROM owner WHERE pg_try_advisory_lock(claim_owner_lock(number))"""

UNAVAILABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_log = logging.getLogger(__name__)


class LockSession:
    """One connection of a process, opened when it is needed and again after it was lost.

    Its locks belong to the session: `dsn` must not point to a transaction pooler.
    """

    def __init__(self, dsn: str, sleeper: Sleeper) -> None:
        """Not connected yet."""
        self._dsn = dsn
        self._sleeper = sleeper
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lock = asyncio.Lock()
        self._heartbeat: asyncio.Task[None] | None = None
        self._owner: int | None = None
        self._owner_from = 0.0

    async def run(
        self, query: str, *arguments: object
    ) -> "tuple[object, asyncpg.Connection[asyncpg.Record]]":
        """The value of a query, and the connection that ran it. Raises one of UNAVAILABLE."""
        async with self._lock:
            connection = await self._open()
            return await connection.fetchval(query, *arguments), connection

    async def run_on(
        self, connection: "asyncpg.Connection[asyncpg.Record]", query: str, *arguments: object
    ) -> None:
        """Run a query on this connection, if it is still open. Raises one of UNAVAILABLE."""
        async with self._lock:
            if not connection.is_closed():
                await connection.execute(query, *arguments)

    async def owner(self) -> int | None:
        """The number under which this process claims idempotency keys; None while no session can be opened.

        It is locked as long as the session lasts, so that others see whether it is (claim_owner_is_gone).
        """
        if self._connection is not None and not self._connection.is_closed() and self._owner is not None:
            return self._owner
        if self._sleeper.elapsed() < self._owner_from:
            return None
        try:
            number, connection = await self.run(_CLAIM_OWNER)
        except UNAVAILABLE as error:
            _log.warning("claims have no owner for now", extra={"cause": repr(error)})
            self._owner_from = self._sleeper.elapsed() + OWNER_RETRY_S
            return None
        if connection is self._connection:
            self._owner = int(str(number))
        return int(str(number))

    async def close(self) -> None:
        """End the session, and with it all locks."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._connection is not None:
            self._connection.terminate()

    async def _open(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings=_SETTINGS,
            )
            self._owner = None
            self._heartbeat = asyncio.create_task(self._beat(self._connection), name="lock session")
        return self._connection

    async def _beat(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Say something now and then, until the connection is lost."""
        try:
            while not connection.is_closed():
                await self._sleeper.sleep(HEARTBEAT_S)
                await self.run_on(connection, "SELECT 1")
        except UNAVAILABLE as error:
            _log.warning("the session of this process's locks is lost", extra={"cause": repr(error)})
            connection.terminate()
