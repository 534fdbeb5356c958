"""The Postgres store of a process: every commit is traced and counted, and wakes the relay and the timers."""

import asyncio
from typing import Any

from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, CommitReceipt
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import span


class InstrumentedEventStore(PostgresEventStore):
    """`wakes`: set after each commit that may have brought something to relay or a timer to fire."""

    def __init__(self, *arguments: Any) -> None:
        """Arguments of PostgresEventStore."""
        super().__init__(*arguments)
        self.wakes: list[asyncio.Event] = []

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """See EventStore; only what was committed is counted."""
        with span(names.SPAN_COMMIT, attributes={names.ATTR_CONTEXT: self.context}):
            receipt = await super().commit(changes)
        metrics.EVENTS_APPENDED.labels(self.context).inc(len(receipt.positions))
        if changes.appends or changes.timers or changes.clocks:
            for wake in self.wakes:
                wake.set()
        return receipt
