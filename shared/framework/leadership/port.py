"""Who may relay, consume or fire timers: one process at a time, as far as that can be known.

Leadership only saves double work. What must not happen twice is prevented by compare-and-set.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Protocol

from shared.framework.retry.transient import TransientFailure


class LeadershipLost(TransientFailure):
    """Another process may be leading by now: stop, and stand again."""


class Lease(Protocol):
    """The right to lead for as long as it can be kept."""

    def check(self) -> None:
        """Raises LeadershipLost once the right is gone."""
        ...


class Leadership(Protocol):
    """Hands out one lease per name."""

    def acquire(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Wait for the lease of this name, and give it back in the end."""
        ...


class LeadershipTerm:
    """What a process may know of its own leading: which of its terms is running, if any is.

    Whoever keeps something that only a leader can keep right may trust it for one term, no longer.
    """

    def __init__(self) -> None:
        """Not leading yet."""
        self._terms = 0
        self._leads = False

    @property
    def number(self) -> int | None:
        """The term that is running; None while another process leads, or nobody."""
        return self._terms if self._leads else None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Another term, for the length of this block."""
        self._terms += 1
        self._leads = True
        try:
            yield
        finally:
            self._leads = False


class MemoryLeadership:
    """Leases among the tasks of one process."""

    def __init__(self) -> None:
        """Nobody leads."""
        self._locks: dict[str, asyncio.Lock] = {}
        self._leases: dict[str, _MemoryLease] = {}

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[Lease]:
        """See Leadership."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            self._leases[name] = _MemoryLease(name)
            yield self._leases[name]

    def revoke(self, name: str) -> None:
        """Let the present leader find out, at its next check, that it is none any more."""
        self._leases[name].held = False


class _MemoryLease:
    def __init__(self, name: str) -> None:
        self.name = name
        self.held = True

    def check(self) -> None:
        if not self.held:
            raise LeadershipLost(self.name)
