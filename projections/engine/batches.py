"""Values that are wanted one by one, and read in batches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Batches(Generic[Value]):
    """Reads what is wanted together by one call of `read`, and nothing twice; make one for each request.

    `read` returns the values of some keys in their order. It is called when `all_wanted` returns.
    """

    def __init__(
        self,
        read: Callable[[list[str]], Awaitable[Sequence[Value]]],
        all_wanted: Callable[[], Awaitable[None]],
    ) -> None:
        """Nothing is wanted yet."""
        self._read = read
        self._all_wanted = all_wanted
        self._found: dict[str, asyncio.Future[Value]] = {}
        self._wanted: dict[str, asyncio.Future[Value]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def load(self, key: str) -> Value:
        """The value of a key. Raises what `read` raises."""
        if key not in self._found:
            if not self._wanted:
                self._reading = asyncio.create_task(self._read_batch())
            self._wanted[key] = self._found[key] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._found[key])  # others may wait for it too

    async def _read_batch(self) -> None:
        await self._all_wanted()
        batch, self._wanted = self._wanted, {}
        try:
            values = await self._read(list(batch))
        except Exception as error:
            for wanted in batch.values():
                wanted.set_exception(error)
            return
        for wanted, value in zip(batch.values(), values, strict=True):
            wanted.set_result(value)
