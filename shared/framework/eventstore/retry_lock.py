"""Per-stream locks for retries after VersionConflict, within one process."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

_locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def serialize_retries(context: str, stream_ids: Collection[str]) -> AsyncIterator[None]:
    """Hold the retry locks of these streams, so that of many retries one at a time competes.

    First attempts and other processes do not take them: the store's version check alone protects a stream,
    and the locks only save attempts. They are taken in sorted order, so that no two retries deadlock.
    """
    async with AsyncExitStack() as locks:
        for stream_id in sorted(stream_ids):
            await locks.enter_async_context(_locks.setdefault((context, stream_id), asyncio.Lock()))
        yield
