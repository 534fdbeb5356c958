"""The store in memory keeps the store's promises."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.framework.eventstore.memory import MemoryEventStore
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.records import CommitReceipt, SideWrite
from shared.framework.eventstore.tests.store_contract import EventStreamContract, SideTable
from shared.framework.eventstore.tests.store_contract_side_state import SideStateContract
from shared.framework.testing.fakes import FakeClock
from shared.framework.testing.store_examples import EXAMPLES, NOON


class MemoryNotebook:
    def __init__(self, store: MemoryEventStore) -> None:
        self._store = store

    def note_write(self, text: str) -> SideWrite:
        async def effect(store: Any, _: CommitReceipt) -> None:
            store.table("notes")[text] = True

        return effect

    async def notes(self) -> set[str]:
        return set(self._store.table("notes"))


class TestMemoryEventStore(EventStreamContract, SideStateContract):
    @pytest.fixture
    def memory(self) -> MemoryEventStore:
        return MemoryEventStore("subscriptions", FakeClock(NOON), EXAMPLES)

    @pytest.fixture
    def store(self, memory: MemoryEventStore) -> Store:
        return memory

    @pytest.fixture
    def end_owner(self, memory: MemoryEventStore) -> Callable[[], Awaitable[None]]:
        async def end() -> None:
            memory.end_owner()

        return end

    @pytest.fixture
    def notebook(self, memory: MemoryEventStore) -> SideTable:
        return MemoryNotebook(memory)
