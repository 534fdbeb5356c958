"""Which failures are the world's and pass by themselves, and which are a defect or a bad message."""

import asyncpg

from shared.framework.core.refusals import Kind, Refusal
from shared.framework.eventstore.port import InboxMoved, VersionConflict
from shared.framework.leadership.port import LeadershipLost
from shared.framework.messaging.feed import FeedFailed
from shared.framework.messaging.port import BrokerFailed
from shared.framework.messaging.relay_cursor import CursorMoved

_PASSING = (
    BrokerFailed,
    CursorMoved,
    FeedFailed,
    InboxMoved,
    LeadershipLost,
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
        return error.kind is Kind.UNAVAILABLE
    return isinstance(error, _PASSING)


def is_message_fault(error: Exception) -> bool:
    """Whether the message, not the world, must be suspected.

    A time-out may be either's (the store hides it behind a refusal): a statement that this message makes
    too slow would otherwise stop its partition for ever.
    """
    if isinstance(error, _EITHER) or isinstance(error.__cause__, _EITHER):
        return True
    return not is_transient(error)
