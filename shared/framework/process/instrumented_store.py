"""The Postgres store of a process: commits and claims are measured, and wake relay and timers."""

from datetime import datetime
from time import monotonic
from typing import Any

from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, CommitReceipt, IdempotencyKey, StoredResponse
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import span
from shared.framework.retry.signal import CommitSignals

_NOTHING = ChangeSet()

CLAIM_REMEMBERED_S = 900.0
"""A claim whose release failed is taken over by the next request; it is not reported for ever."""


class InstrumentedEventStore(PostgresEventStore):
    """`signals`: of its commits, except those of nothing."""

    def __init__(self, *arguments: Any) -> None:
        """The arguments of PostgresEventStore."""
        super().__init__(*arguments)
        self.signals = CommitSignals()
        self._claimed_at: dict[tuple[str, str], float] = {}
        for wire_name in self.contracts.events:
            if wire_name.startswith(f"{self.context}."):
                # At 0 from the start: the increase from nothing to the first one would not be seen.
                metrics.EVENTS_APPENDED.labels(self.context, wire_name)

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Commit inside a span; count events only after success."""
        if changes == _NOTHING:  # as often of a periodic task: no span
            return await super().commit(changes)
        with span(names.SPAN_COMMIT, attributes={names.ATTR_CONTEXT: self.context}):
            receipt = await super().commit(changes)
        for append in changes.appends:
            for event in append.events:
                metrics.EVENTS_APPENDED.labels(self.context, type(event).wire_name).inc()
        if changes.response is not None:
            self._claim_ended(changes.response[0])
        self.signals.committed(changes)
        return receipt

    async def claim(self, key: IdempotencyKey, now: datetime) -> StoredResponse | None:
        """Claim a key, and note that it is not answered yet."""
        response = await super().claim(key, now)
        if response is None:
            self._claimed_at[key.tenant_id, key.key] = monotonic()
        return response

    async def release(self, key: IdempotencyKey) -> None:
        """Release a key."""
        await super().release(key)
        self._claim_ended(key)

    async def measure_claims(self) -> None:
        """Set the gauges of the claims of this process."""
        now = monotonic()
        recent = {key: at for key, at in self._claimed_at.items() if now - at < CLAIM_REMEMBERED_S}
        self._claimed_at = recent
        metrics.CLAIMS_IN_FLIGHT.set(len(recent))
        metrics.CLAIM_OLDEST_SECONDS.set(max((now - at for at in recent.values()), default=0))

    def _claim_ended(self, key: IdempotencyKey) -> None:
        self._claimed_at.pop((key.tenant_id, key.key), None)
