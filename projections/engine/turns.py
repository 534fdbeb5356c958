"""Turns at the event loop: long work is done in slices, and between the rows of answers tenants alternate."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from projections.refusals import TenantIsBusy

SLICE = 200
"""Rows, or items of an event, that are handled at a time: a few milliseconds of work."""
QUERIES_MAX = 2
"""Queries of one tenant that this process answers at a time."""
WAITING_MAX = 64
"""Queries of one tenant that wait; more are refused."""
ROWS_PER_PASS = 8
"""Rows that are resolved in one pass of the event loop: about two milliseconds of work."""


class Slices:
    """Counts handled items, and lets the event loop run after every SLICE of them."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._count = 0

    async def add(self, items: int = 1) -> None:
        """Count items that have been handled."""
        self._count += items
        if self._count >= SLICE:
            self._count = 0
            await asyncio.sleep(0)


class _Gate:
    """The queries of one tenant."""

    def __init__(self) -> None:
        self.open = asyncio.Semaphore(QUERIES_MAX)
        self.queries = 0


class Turns:
    """Shares one process between tenants; make one for each process.

    At most QUERIES_MAX queries of a tenant are answered at a time, so one tenant's lists do not take all
    connections of the database. At most ROWS_PER_PASS rows are resolved in each pass of the event loop:
    GraphQL resolves all rows of a list at once, which would hold the loop for as long as the list is. The
    next turn is always another tenant's, if another is waiting.
    """

    def __init__(self) -> None:
        """No row is waiting."""
        self._left = ROWS_PER_PASS
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._next_pass: asyncio.Handle | None = None
        self._gates: dict[str, _Gate] = {}

    @asynccontextmanager
    async def query(self, tenant_id: str) -> AsyncIterator[None]:
        """Answer a query of the tenant during the block. Raises TenantIsBusy."""
        gate = self._gates.setdefault(tenant_id, _Gate())
        if gate.queries >= QUERIES_MAX + WAITING_MAX:
            raise TenantIsBusy(f"{WAITING_MAX} are waiting.")
        gate.queries += 1
        try:
            async with gate.open:
                yield
        finally:
            gate.queries -= 1
            if gate.queries == 0:
                del self._gates[tenant_id]

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
