"""Connection pool of a context's database with time-outs, and database errors as errors of the ports."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter
from typing import Any

import asyncpg

from shared.framework.eventstore.ports import (
    InboxConflict,
    StoreIsUnavailable,
    TestClockIsAdvancing,
    TextIsNotStorable,
    TimerAlreadyDone,
    VersionConflict,
)
from shared.framework.observability import metrics

CONNECT_TIMEOUT_S = 5.0
ACQUIRE_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 15.0
"""Longer than the server's statement_timeout, so that normally the server cancels first."""

SERVER_SETTINGS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",  # every statement here is short: compiling it would take longer than running it
}

_RAISED_BY_SQL: dict[str, type[Exception]] = {
    "TH001": VersionConflict,
    "TH002": InboxConflict,
    "TH003": TimerAlreadyDone,
    "TH005": TestClockIsAdvancing,
}

_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting, a statement that took too long
    asyncpg.InsufficientResourcesError,  # too many connections, a full disk
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # the server became a standby
    asyncpg.LockNotAvailableError,
    asyncpg.InternalClientError,  # the server has said that it closes the connection, and it is still open
)


async def connect(
    dsn: str,
    *,
    size_min: int = 1,
    size_max: int = 8,
    name: str = "tollhouse",
    parameters: Mapping[str, str] | None = None,
) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool of connections; `name` is their application_name. Raises StoreIsUnavailable.

    `parameters`: of PostgreSQL, in addition to SERVER_SETTINGS.
    """
    with translate_errors():
        return await asyncpg.create_pool(
            dsn,
            min_size=size_min,
            max_size=size_max,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={**SERVER_SETTINGS, **(parameters or {}), "application_name": name},
            reset=_skip_reset,
        )


class NoConnectionIsFree(ConnectionError):
    """No connection of the pool became free within ACQUIRE_TIMEOUT_S.

    No TimeoutError, which would count as a fault of the message that is being handled (retry/transient.py).
    """


@asynccontextmanager
async def connection_of(pool: "asyncpg.Pool[asyncpg.Record]") -> AsyncIterator[Any]:
    """A connection of the pool for the length of the block. Raises NoConnectionIsFree."""
    began = perf_counter()
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_S)
    except TimeoutError as error:
        metrics.POOL_TIMEOUTS.inc()
        raise NoConnectionIsFree(f"within {ACQUIRE_TIMEOUT_S} s") from error
    metrics.POOL_WAIT_SECONDS.observe(perf_counter() - began)
    try:
        yield connection
    finally:
        await pool.release(connection)


async def fetch(pool: "asyncpg.Pool[asyncpg.Record]", query: str, *arguments: object) -> list[asyncpg.Record]:
    """The rows of a query on a connection of the pool. Raises what translate_errors raises."""
    with translate_errors():
        async with connection_of(pool) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of the database as errors of the ports.

    VersionConflict, InboxConflict, TimerAlreadyDone, TextIsNotStorable, StoreIsUnavailable; other exceptions
    pass unchanged.
    """
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "events_pkey":
            raise VersionConflict(error.detail) from error
        raise
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise VersionConflict(str(error)) from error
    except _UNAVAILABLE as error:
        raise StoreIsUnavailable(type(error).__name__) from error
    except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError) as error:
        raise TextIsNotStorable("such as NUL") from error  # the doors refuse it: core/text.py
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # an argument of the wrong type: a defect
            raise
        raise StoreIsUnavailable(str(error)) from error  # the pool or the connection is closed
    except asyncpg.PostgresError as error:
        if error.sqlstate in _RAISED_BY_SQL:
            raise _RAISED_BY_SQL[error.sqlstate](str(error)) from error
        raise


async def _skip_reset(connection: Any) -> None:
    """No RESET at release, which saves a round trip: no code here changes the state of a session."""
