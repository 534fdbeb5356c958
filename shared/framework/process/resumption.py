"""Derives again what belongs to streams that were put back after a restore, before the service serves.

Only the events came back. Timers and copies that were written beside them are derived from the state of the
stream by the subject's `resume` handler (see Feature).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg

from shared.framework.core.event import Metadata
from shared.framework.eventstore.pool import fetch
from shared.framework.eventstore.ports import EventStore
from shared.framework.eventstore.records import CommitReceipt
from shared.framework.eventstore.rows import metadata_of
from shared.framework.eventstore.unit_of_work import Session, UnitOfWork, transact

Resume = Callable[[Session, str], Awaitable[None]]
"""Called with the id of a stream that was put back; `session.now` is the time of its last event.

It may find that nothing is to be done, or that it was done before.
"""

PAGE = 500

_WAITING = "SELECT tenant_id, stream_id FROM put_back_streams ORDER BY 1, 2 LIMIT $1"
_LAST = """SELECT metadata FROM events WHERE tenant_id = $1 AND originator_id = $2
            ORDER BY originator_version DESC LIMIT 1"""
_DONE = "DELETE FROM put_back_streams WHERE tenant_id = $1 AND stream_id = $2"

_log = logging.getLogger(__name__)


async def resume_streams(
    store: EventStore, pool: "asyncpg.Pool[asyncpg.Record]", handlers: Mapping[str, Resume]
) -> int:
    """Resume every stream that was put back, each in a commit of its own; returns their number.

    `handlers` by prefix of the stream id; a stream of another kind has nothing but its events.
    """
    count = 0
    while streams := await fetch(pool, _WAITING, PAGE):
        for tenant_id, stream_id in streams:
            (last,) = await fetch(pool, _LAST, tenant_id, stream_id)
            await _resume(store, tenant_id, stream_id, metadata_of(last), handlers)
        count += len(streams)
    if count:
        _log.info("streams that were put back are resumed", extra={"streams": count})
    return count


async def _resume(
    store: EventStore, tenant_id: str, stream_id: str, metadata: Metadata, handlers: Mapping[str, Resume]
) -> None:
    async def work(unit: UnitOfWork) -> None:
        session = unit.session(tenant_id, metadata)
        await _follow_test_clock(session, stream_id)
        handler = handlers.get(stream_id.partition("_")[0])
        if handler is not None:
            await handler(session, stream_id)
        session.add_side_write(_done_write(tenant_id, stream_id))

    await transact(store, work)


async def _follow_test_clock(session: Session, stream_id: str) -> None:
    """Set the tenant's test clock as the last event of its stream says, if the stream is one."""
    clocks = session.work.store.contracts.test_clocks
    for event in (await session.work.stream(session.tenant_id, stream_id)).events:
        if event.wire_name in clocks:
            session.set_clock(clocks[event.wire_name](event))


def _done_write(tenant_id: str, stream_id: str) -> Callable[[Any, CommitReceipt], Awaitable[None]]:
    async def write(connection: Any, _: CommitReceipt) -> None:
        await connection.execute(_DONE, tenant_id, stream_id)

    return write
