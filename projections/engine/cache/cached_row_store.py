"""Rows with a hot copy before them: a wrapper of the same port, for readers only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.engine.cache.row_cache import RowCache
from projections.engine.folding import RowChange
from projections.engine.read_model import AnyModel, Key, StoredRow
from projections.engine.row_store import RowQuery, RowStore
from shared.framework.eventstore.port import SideWrite


@dataclass(frozen=True, slots=True)
class CachedRowStore:
    """Asks the copy first and the truth for what it does not know. Whoever folds must use the truth."""

    truth: RowStore
    copy: RowCache

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """The rows that are there."""
        if model is not self.copy.model:
            return await self.truth.load(model, keys)
        hot = await self.copy.read(keys)
        cold = [key for key in keys if key not in hot]
        return {**hot, **(await self.truth.load(model, cold) if cold else {})}

    def save(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        """To the truth."""
        return self.truth.save(model, changes)

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        """From the truth."""
        return await self.truth.pages_by(model, column, values, query)

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """From the truth."""
        return await self.truth.page(model, query)

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        """From the truth."""
        return await self.truth.scan(model, after, limit)
