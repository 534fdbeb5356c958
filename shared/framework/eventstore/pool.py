"""Connections to a context's database: few, prepared, and with a time limit on everything."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from shared.framework.eventstore.ports import (
    InboxConflict,
    StoreIsUnavailable,
    TimerAlreadyDone,
    VersionConflict,
)

CONNECT_TIMEOUT_S = 5.0
ACQUIRE_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 15.0
"""The client's limit lies above the server's, so that the server normally is the one to give up."""

SERVER_SETTINGS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",  # every statement here is short: compiling it would take longer than running it
}

_TOLD = {"TH001": VersionConflict, "TH002": InboxConflict, "TH003": TimerAlreadyDone}

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting, a statement that took too long
    asyncpg.InsufficientResourcesError,  # too many connections, a full disk
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # it is a standby now
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,  # the server's farewell was read, the connection's end not yet
)


async def connect(
    dsn: str, *, size_min: int = 1, size_max: int = 8, name: str = "tollhouse"
) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool on this database; `name` is what the server shows for it. Raises StoreIsUnavailable."""
    with translate_errors():
        return await asyncpg.create_pool(
            dsn,
            min_size=size_min,
            max_size=size_max,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={**SERVER_SETTINGS, "application_name": name},
            reset=_skip_reset,
        )


class NoConnectionIsFree(ConnectionError):
    """All were in use, or none could be made, for five seconds: whoever waited is not to blame for it."""


@asynccontextmanager
async def connection_of(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Any]:
    """A connection, within its time limit. Raises NoConnectionIsFree."""
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
    except TimeoutError as error:
        raise NoConnectionIsFree(f"within {ACQUIRE_TIMEOUT_S} s") from error
    try:
        yield connection
    finally:
        await pool.release(connection)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Say in the port's words what the database said in its own; what is no such thing passes through."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "events_pkey":
            raise VersionConflict(error.detail) from error
        raise
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise VersionConflict(str(error)) from error
    except _AWAY as error:
        raise StoreIsUnavailable(type(error).__name__) from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # an argument that is no such SQL value: a mistake of ours
            raise
        raise StoreIsUnavailable(str(error)) from error  # the pool or the connection is closed
    except asyncpg.PostgresError as error:
        if error.sqlstate in _TOLD:
            raise _TOLD[error.sqlstate](str(error)) from error
        raise


async def _skip_reset(connection: Any) -> None:
    """Spare a round trip per use: asyncpg itself ends a transaction left open, and we set nothing else."""
