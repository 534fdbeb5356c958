"""Leader election by named lease: one process relays, consumes or fires timers.

An optimisation only: two leaders for a moment do no harm, because every write is a compare-and-set.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Protocol

from shared.framework.retry.transient import TransientFailure


class LeadershipLost(TransientFailure):
    """The lease is lost: another process may be the leader by now."""


class Lease(Protocol):
    """A lease that this process holds."""

    def check(self) -> None:
        """Raise LeadershipLost if the lease is lost."""


class Leadership(Protocol):
    """Gives each named lease to one process at a time."""

    def acquire(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Wait for the lease of this name; it is released at the end of the block."""


class LeadershipTerm:
    """Whether this process is the leader, and in which term.

    What only a leader can keep correct, such as a cache that it fills, is valid for one term.
    """

    def __init__(self) -> None:
        """Not the leader."""
        self._terms = 0
        self._is_leader = False

    @property
    def number(self) -> int | None:
        """The number of the present term; None while this process is not the leader."""
        return self._terms if self._is_leader else None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the leader, in a new term, for the length of the block."""
        self._terms += 1
        self._is_leader = True
        try:
            yield
        finally:
            self._is_leader = False


class MemoryLeadership:
    """Leases between tasks of one process, for tests and simulation."""

    def __init__(self) -> None:
        """No lease is held."""
        self._locks: dict[str, asyncio.Lock] = {}
        self._leases: dict[str, _MemoryLease] = {}

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[Lease]:
        """A lease that `revoke` can take away."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            self._leases[name] = _MemoryLease(name)
            yield self._leases[name]

    def revoke(self, name: str) -> None:
        """Let the next `check` of the holder raise LeadershipLost."""
        self._leases[name].held = False


class _MemoryLease:
    def __init__(self, name: str) -> None:
        self.name = name
        self.held = True

    def check(self) -> None:
        if not self.held:
            raise LeadershipLost(self.name)
