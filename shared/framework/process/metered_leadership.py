"""Leadership with a gauge per lease: no leader and two leaders can be seen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.framework.leadership.port import Leadership, Lease
from shared.framework.observability import metrics


class MeteredLeadership:
    """Leases of another Leadership, each with `tollhouse_leader{lease}` of this process."""

    def __init__(self, inner: Leadership) -> None:
        """`inner` gives the leases."""
        self._inner = inner

    @asynccontextmanager
    async def acquire(self, name: str) -> AsyncIterator[Lease]:
        """See Leadership."""
        gauge = metrics.LEADER.labels(name)
        gauge.set(0)
        try:
            async with self._inner.acquire(name) as lease:
                gauge.set(1)
                yield lease
        finally:
            gauge.set(0)
