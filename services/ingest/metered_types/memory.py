"""Metered types in memory: a table of the memory store."""

from collections.abc import Collection

from services.ingest.metered_types.ports import EventType
from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.records import CommitReceipt, SideWrite


class MemoryMeteredTypes:
    """See MeteredTypes."""

    def __init__(self, store: MemoryEventStore) -> None:
        """The rows are in a table of this event store."""
        self._store = store

    async def unmetered(self, types: Collection[EventType]) -> frozenset[EventType]:
        return frozenset(types) - self._store.table("metered_types").keys()

    def add_write(self, event_type: EventType) -> SideWrite:

        async def write(store: MemoryEventStore, _: CommitReceipt) -> None:
            store.table("metered_types")[event_type] = True

        return write
