"""The system's clock, sleeper and ids; only composition roots make them."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils import uuid7

from shared.framework.core.ids import format_id


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that all others are handed


class EventLoopSleeper:
    """Sleeper on the time of the running event loop."""

    async def sleep(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        """Wait by asyncio."""
        if wake is None:
            await asyncio.sleep(seconds)
            return False
        try:
            async with asyncio.timeout(seconds):
                return await wake.wait()
        except TimeoutError:
            return False

    def elapsed(self) -> float:
        """Seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()


class UuidV7Ids:
    """Ids made of UUIDv7: they sort by the time at which they were made."""

    def new(self, prefix: str) -> str:
        """A new id such as `inv_01j9...`."""
        return format_id(prefix, UUID(int=uuid7().int))
