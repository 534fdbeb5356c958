"""Turns at the event loop: long work is done in slices, and between the rows of answers tenants alternate."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
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
RESTS = 6
"""A tenant that has read much rests this many times as long as its rows took."""
REST_MAX_S = 0.05
MANY = 200
"""Rows: a tenant that has read fewer lately does not rest."""
HALF_LIFE_S = 0.5
"""Of the memory of rows that have been read."""


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

    A query needs some forty passes, however few its rows are, and waits in each of them for the rows of
    others. So a tenant that has read much lately rests after each of its passes, RESTS times as long as the
    pass took, while a tenant asks that has read less.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """No row is waiting. `now`: monotonic seconds."""
        self._now = now
        self._left = ROWS_PER_PASS
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._next_pass: asyncio.Handle | None = None
        self._end_of_rest: asyncio.TimerHandle | None = None
        self._gates: dict[str, _Gate] = {}
        self._lately = _RowsLately(now())
        self._tiring_since: float | None = None
        self._rest_until = 0.0

    @asynccontextmanager
    async def query(self, tenant_id: str) -> AsyncIterator[None]:
        """Answer a query of the tenant during the block. Raises TenantIsBusy."""
        gate = self._gates.setdefault(tenant_id, _Gate())
        if gate.queries >= QUERIES_MAX + WAITING_MAX:
            raise TenantIsBusy(f"{WAITING_MAX} are waiting.")
        gate.queries += 1
        self._lately.add(tenant_id, 1)
        try:
            async with gate.open:
                await self.take(tenant_id)
                yield
        finally:
            gate.queries -= 1
            if gate.queries == 0:
                del self._gates[tenant_id]

    async def take(self, tenant_id: str, rows: int = 1) -> None:
        """Return when this many rows of the tenant may be resolved; at once if few are."""
        if self._left > 0 and not self._waiting and not self._must_rest(tenant_id):
            self._count(tenant_id, rows)
            self._pass_soon()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append((rows, turn))
        self._pass_soon()
        await turn

    def _pass_soon(self) -> None:
        if self._next_pass is None:
            self._next_pass = asyncio.get_running_loop().call_soon(self._begin_pass)

    def _begin_pass(self) -> None:
        now = self._now()
        self._left, self._next_pass = ROWS_PER_PASS, None
        if self._tiring_since is not None:  # those rows are resolved now
            self._rest_until = now + min(RESTS * (now - self._tiring_since), REST_MAX_S)
            self._tiring_since = None
        self._lately.halve(now)
        while self._left > 0 and (tenant_id := self._first_waiting()) is not None:
            waiting = self._waiting.pop(tenant_id)
            rows, turn = waiting.popleft()
            if waiting:
                self._waiting[tenant_id] = waiting  # behind the other tenants
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
                self._count(tenant_id, rows)
        self._plan_next_pass()

    def _plan_next_pass(self) -> None:
        if self._end_of_rest is not None:
            self._end_of_rest.cancel()
            self._end_of_rest = None
        if self._tiring_since is not None or self._first_waiting() is not None:
            self._pass_soon()
        elif self._waiting:
            rest_s = max(self._rest_until - self._now(), 0.0)
            self._end_of_rest = asyncio.get_running_loop().call_later(rest_s, self._pass_soon)

    def _first_waiting(self) -> str | None:
        """The tenant whose turn is next; None if none waits, or all that wait must rest."""
        return next((tenant_id for tenant_id in self._waiting if not self._must_rest(tenant_id)), None)

    def _count(self, tenant_id: str, rows: int) -> None:
        self._left -= rows
        self._lately.add(tenant_id, rows)
        if self._tiring_since is None and self._lately.are_many(tenant_id):
            self._tiring_since = self._now()

    def _must_rest(self, tenant_id: str) -> bool:
        return self._lately.are_many(tenant_id) and self._now() < self._rest_until


class _RowsLately:
    """How many rows each tenant has read; after each HALF_LIFE_S they count half, and those below 1 not."""

    def __init__(self, now: float) -> None:
        self._rows: dict[str, float] = {}
        self._fewest = 0.0
        self._halved_at = now

    def add(self, tenant_id: str, rows: int) -> None:
        self._rows[tenant_id] = self._rows.get(tenant_id, 0.0) + rows
        self._fewest = min(self._fewest, self._rows[tenant_id])

    def halve(self, now: float) -> None:
        """Let time pass until `now`."""
        if halvings := int((now - self._halved_at) / HALF_LIFE_S):
            self._halved_at += halvings * HALF_LIFE_S
            part = 0.5**halvings
            self._rows = {tenant_id: rows * part for tenant_id, rows in self._rows.items() if rows * part > 1}
        self._fewest = min(self._rows.values(), default=0.0)

    def are_many(self, tenant_id: str) -> bool:
        """Whether the tenant has read much, and another that asks has read less than half of it."""
        rows = self._rows.get(tenant_id, 0.0)
        return rows > MANY and rows > 2 * self._fewest
