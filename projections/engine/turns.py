"""Turns at the event loop: rows of large answers are resolved in slices, and tenants alternate."""

import asyncio
from collections import deque

ROWS_PER_PASS = 8
"""Rows that are resolved in one pass of the event loop: about two milliseconds of work."""


class Turns:
    """Lets at most ROWS_PER_PASS rows be resolved in each pass of the event loop; make one for each process.

    GraphQL resolves all rows of a list at once, which would hold the loop for as long as the list is. The
    next turn is always another tenant's, if another is waiting.
    """

    def __init__(self) -> None:
        """No row is waiting."""
        self._left = ROWS_PER_PASS
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._next_pass: asyncio.Handle | None = None

    async def take(self, tenant_id: str, rows: int = 1) -> None:
        """Return when this many rows of the tenant may be resolved; at once if few are."""
        loop = asyncio.get_running_loop()
        if self._next_pass is None:
            self._next_pass = loop.call_soon(self._begin_pass, loop)
        if self._left > 0 and not self._waiting:
            self._left -= rows
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(tenant_id, deque()).append((rows, turn))
        await turn

    def _begin_pass(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left = ROWS_PER_PASS
        while self._waiting and self._left > 0:
            tenant_id = next(iter(self._waiting))
            waiting = self._waiting.pop(tenant_id)
            rows, turn = waiting.popleft()
            if waiting:
                self._waiting[tenant_id] = waiting  # behind the other tenants
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
                self._left -= rows
        self._next_pass = loop.call_soon(self._begin_pass, loop) if self._waiting else None
