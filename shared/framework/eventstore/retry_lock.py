"""Whoever lost a race for a stream takes a turn for the next attempt: in a crowd it would be lost again."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

_turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


@asynccontextmanager
async def serialize_retries(context: str, stream_ids: Collection[str]) -> AsyncIterator[None]:
    """Wait until nobody else of this process is making another attempt at any of these streams.

    First attempts do not wait, nor do other processes: the store's own check is what keeps writers apart,
    and this only spares them attempts. Turns are taken in one order, so nobody waits in a circle.
    """
    async with AsyncExitStack() as turns:
        for stream_id in sorted(stream_ids):
            await turns.enter_async_context(_turns.setdefault((context, stream_id), asyncio.Lock()))
        yield
