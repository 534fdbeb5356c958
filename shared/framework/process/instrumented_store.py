"""The Postgres store of a process: traces and counts commits, and wakes the relay and the timers."""

import asyncio
from typing import Any

from shared.framework.eventstore.postgres import PostgresEventStore
from shared.framework.eventstore.records import ChangeSet, CommitReceipt
from shared.framework.observability import metrics, names
from shared.framework.observability.tracing import span


class InstrumentedEventStore(PostgresEventStore):
    """`wakes`: set after each commit with events, timers or test clocks."""

    def __init__(self, *arguments: Any) -> None:
        """The arguments of PostgresEventStore."""
        super().__init__(*arguments)
        self.wakes: list[asyncio.Event] = []

    async def commit(self, changes: ChangeSet) -> CommitReceipt:
        """Commit inside a span; count events only after success."""
        with span(names.SPAN_COMMIT, attributes={names.ATTR_CONTEXT: self.context}):
            receipt = await super().commit(changes)
        metrics.EVENTS_APPENDED.labels(self.context).inc(len(receipt.positions))
        if changes.appends or changes.timers or changes.clocks:
            for wake in self.wakes:
                wake.set()
        return receipt
