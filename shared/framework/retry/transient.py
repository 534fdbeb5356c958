"""Which failures are transient, and which are a defect or a message that cannot be handled."""

import asyncpg

from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.ports import InboxConflict, VersionConflict


class TransientFailure(Exception):
    """A failure after which the same work may succeed later: a server was away, or another was first."""


_PASSING = (
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
_EITHER = (TimeoutError, asyncpg.QueryCanceledError)


def is_transient(error: Exception) -> bool:
    """Whether the same work may well succeed a little later."""
    if isinstance(error, Refusal):
        return error.kind is RefusalKind.UNAVAILABLE
    return isinstance(error, _PASSING)


def is_message_fault(error: Exception) -> bool:
    """Whether the message, not the world, must be suspected.

    A time-out may be either's (the store hides it behind a refusal): a statement that this message makes
    too slow would otherwise stop its partition for ever.
    """
    if isinstance(error, _EITHER) or isinstance(error.__cause__, _EITHER):
        return True
    return not is_transient(error)
