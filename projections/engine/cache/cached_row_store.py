"""Rows with a hot copy before them: a wrapper of the same port, for readers only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.engine.cache.row_cache import HotCopy
from projections.engine.folding import Change
from projections.engine.read_model import AnyModel, Key, Stored
from projections.engine.row_store import Query, Rows
from shared.framework.eventstore.port import Effect


@dataclass(frozen=True, slots=True)
class HotRows:
    """Asks the copy first and the truth for what it does not know. Whoever folds must use the truth."""

    truth: Rows
    copy: HotCopy

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, Stored[Any]]:
        """The rows that are there."""
        if model is not self.copy.model:
            return await self.truth.load(model, keys)
        hot = await self.copy.read(keys)
        cold = [key for key in keys if key not in hot]
        return {**hot, **(await self.truth.load(model, cold) if cold else {})}

    def save(self, model: AnyModel, changes: Sequence[Change]) -> Effect:
        """To the truth."""
        return self.truth.save(model, changes)

    async def pages(
        self, model: AnyModel, column: str, values: Sequence[str], query: Query
    ) -> Mapping[str, Sequence[Stored[Any]]]:
        """From the truth."""
        return await self.truth.pages(model, column, values, query)

    async def page(self, model: AnyModel, query: Query) -> Sequence[Stored[Any]]:
        """From the truth."""
        return await self.truth.page(model, query)

    async def everything(self, model: AnyModel, after: Key, limit: int) -> Sequence[Stored[Any]]:
        """From the truth."""
        return await self.truth.everything(model, after, limit)
