"""A snapshot of a read side in memory."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from projections.audit.report import Difference
from projections.engine.event_archive import CustomerStream
from projections.engine.freshness import LatestEventTime
from projections.engine.memory import MemoryRowStore
from projections.engine.read_model import AnyModel, StoredRow
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import EventRecord

REBUILT = "rebuilt"


@asynccontextmanager
async def memory_snapshot(store: MemoryEventStore, consumer: str) -> AsyncIterator["MemoryAuditSnapshot"]:
    """A snapshot of the read side in `store`; its rebuilt rows are removed at the end."""
    try:
        yield MemoryAuditSnapshot(store, consumer)
    finally:
        for name in [name for name in store.tables if name.startswith(f"{REBUILT}.")]:
            del store.tables[name]


class MemoryAuditSnapshot:
    """See `AuditSnapshot`. It is consistent only while no other task runs: for tests and simulation."""

    def __init__(self, store: MemoryEventStore, consumer: str) -> None:
        """See memory_snapshot."""
        self.live = MemoryRowStore(store)
        self.rebuilt = MemoryRowStore(store, REBUILT)
        self.connection = store
        self._consumer = consumer

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        inbox = await self.connection.inbox(self._consumer)
        return {partition: found.position for partition, found in inbox.items()}

    async def compare(self, model: AnyModel) -> list[Difference]:
        live, rebuilt = self.live.table(model), self.rebuilt.table(model)
        return [
            Difference(model.name, *key, f"served {live.get(key)}; rebuilt {rebuilt.get(key)}")
            for key in sorted(live.keys() | rebuilt.keys())
            if live.get(key) != rebuilt.get(key)
        ]

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        rows: list[tuple[Any, StoredRow[Any]]] = sorted(
            self.live.table(model).items(), key=lambda row: row[0]
        )
        return len(rows), hashlib.md5(repr(rows).encode(), usedforsecurity=False).hexdigest()

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        table: dict[tuple[str, int], EventRecord] = self.connection.table("history")
        return [table[key] for key in sorted(table) if key[0] == context and key[1] > after][:limit]

    async def customer_streams(self) -> set[CustomerStream]:
        return set(self.connection.table("history_mentions"))

    async def latest_event_times(self) -> set[LatestEventTime]:
        return {
            LatestEventTime(tenant, context, number, at)
            for (tenant, context, number), at in self.connection.table("freshness").items()
        }
