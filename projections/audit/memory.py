"""A snapshot of a read side in memory: copies of its tables."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from projections.audit.report import Difference
from projections.engine.customer_index import CustomerStream
from projections.engine.folding import RowChange
from projections.engine.freshness import LatestEventTime
from projections.engine.memory import MemoryRowStore
from projections.engine.read_model import AnyModel, StoredRow
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, EventRecord

BESIDE = "beside"


@asynccontextmanager
async def memory_snapshot(store: MemoryEventStore, consumer: str) -> AsyncIterator["MemoryAuditSnapshot"]:
    """The read side whose tables lie in `store`; nothing that is done in the snapshot remains."""
    try:
        yield MemoryAuditSnapshot(store, consumer)
    finally:
        for name in [name for name in store.tables if name.startswith(f"{BESIDE}.")]:
            del store.tables[name]


class MemoryAuditSnapshot:
    """See `Snapshot`. It stands still only as long as nobody else's turn comes: for tests and simulation."""

    def __init__(self, store: MemoryEventStore, consumer: str) -> None:
        """See memory_snapshot."""
        self.live = MemoryRowStore(store)
        self.beside = MemoryRowStore(store, BESIDE)
        self._store = store
        self._consumer = consumer

    async def inbox_positions(self) -> dict[tuple[str, int], int]:
        """How far each (topic, partition) had been heard."""
        return {place: mark.position for place, mark in (await self._store.inbox(self._consumer)).items()}

    async def write(self, model: AnyModel, changes: Sequence[RowChange]) -> None:
        """Put rows beside."""
        await self.beside.save(model, changes)(self._store, CommitReceipt())

    async def compare(self, model: AnyModel) -> list[Difference]:
        """Every row that is not the same here and beside."""
        live, beside = self.live.table(model), self.beside.table(model)
        return [
            Difference(model.name, *key, f"served {live.get(key)}; history says {beside.get(key)}")
            for key in sorted(live.keys() | beside.keys())
            if live.get(key) != beside.get(key)
        ]

    async def digest(self, model: AnyModel) -> tuple[int, str]:
        """How many rows are served, and a digest over all of them."""
        rows: list[tuple[Any, StoredRow[Any]]] = sorted(
            self.live.table(model).items(), key=lambda row: row[0]
        )
        return len(rows), hashlib.md5(repr(rows).encode(), usedforsecurity=False).hexdigest()

    async def history(self, context: str, after: int, limit: int) -> Sequence[EventRecord]:
        """The raw history of a context, by position."""
        table: dict[tuple[str, int], EventRecord] = self._store.table("history")
        return [table[key] for key in sorted(table) if key[0] == context and key[1] > after][:limit]

    async def customer_streams(self) -> set[CustomerStream]:
        """Which streams were said to speak of which customers."""
        return set(self._store.table("history_mentions"))

    async def latest_event_times(self) -> set[LatestEventTime]:
        """The newest moments that were noted."""
        table = self._store.table("freshness")
        return {
            LatestEventTime(tenant, context, number, at) for (tenant, context, number), at in table.items()
        }
