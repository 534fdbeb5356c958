"""Which failures are transient, and which are the fault of a message."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import InboxConflict, VersionConflict


class TransientFailure(Exception):
    """The same work may succeed later: a server was unavailable, or another process was faster."""


class WorkWasCancelled(TransientFailure):
    """Work ended with CancelledError although its task was not cancelled: a library cancelled its own."""


@contextmanager
def own_cancellation_only() -> Iterator[None]:
    """Let CancelledError pass only if the current task is being cancelled; else raise WorkWasCancelled.

    A client that closes its connections cancels its own requests. What awaits one of them gets a
    CancelledError, which no `except Exception` catches, and which would end the task.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise WorkWasCancelled("a library cancelled its own work") from error


_TRANSIENT = (
    TransientFailure,
    InboxConflict,
    OSError,
    VersionConflict,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
_TIMEOUTS = (TimeoutError, asyncpg.QueryCanceledError)


def is_transient(error: Exception) -> bool:
    """Whether the same work may succeed later."""
    if isinstance(error, Refusal):
        return error.kind is RefusalKind.UNAVAILABLE
    return isinstance(error, _TRANSIENT)


def is_message_fault(error: Exception) -> bool:
    """Whether the message that was handled may be the cause, so that it may become a dead letter.

    True for time-outs too (the store raises them as the cause of StoreIsUnavailable): a statement that a
    message makes too slow would otherwise stop its partition for ever.
    """
    if isinstance(error, _TIMEOUTS) or isinstance(error.__cause__, _TIMEOUTS):
        return True
    return not is_transient(error)
