"""The rows that one request may read: of its credential's tenant and customer; neighbours in batches."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from projections.engine.batches import Batches
from projections.engine.event_archive import EventArchive
from projections.engine.freshness import Arrivals, FreshnessStore, PartitionFreshness
from projections.engine.point_in_time import row_as_of
from projections.engine.read_model import AnyModel, StoredRow
from projections.engine.row_store import RowQuery, RowReader
from projections.engine.turns import Turns
from shared.billing.contracts import CONTRACTS

HOLDS_NOTHING = "\0"
"""Possible in a GraphQL string, impossible in a text of the database: no row has an id or a value with it."""
PASSES = 3
"""Of the event loop, from the turn of a row to the calls for what belongs to it."""


@dataclass(frozen=True, slots=True)
class ReadStores:
    """The stores that requests read."""

    rows: RowReader
    archive: EventArchive
    freshness: FreshnessStore
    turns: Turns = field(default_factory=Turns)

    async def freshness_for(self, tenant_id: str) -> list[PartitionFreshness]:
        """The freshness of every partition for a tenant, by context and partition.

        Positions are read before times: a time may be newer than its position, never older.
        """
        inbox = (await self.freshness.inbox()).values()
        times = await self.freshness.latest(tenant_id)
        found = [
            PartitionFreshness(context, one.partition, one.position, times.get((context, one.partition)))
            for one in inbox
            if (context := CONTRACTS.contexts.get(one.topic)) is not None
        ]
        return sorted(found, key=lambda fresh: (fresh.context, fresh.partition))


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads. A customer sees only their own rows; every other role sees its whole tenant."""

    tenant_id: str
    customer_id: str | None = None


class RequestReader:
    """Reads for one request: only rows that its viewer may see."""

    def __init__(self, stores: ReadStores, viewer: Viewer) -> None:
        """A row that was read once is not read again: make one for each request."""
        self.viewer = viewer
        self._stores = stores
        self._waiting = 0
        self._arrivals: asyncio.Future[Arrivals] | None = None
        self._single: dict[str, Batches[StoredRow[Any] | None]] = {}
        self._paged: dict[tuple[str, str, RowQuery], Batches[Sequence[StoredRow[Any]]]] = {}

    async def one(
        self, model: AnyModel, row_id: str, as_of: datetime | None = None, *, linked: bool = False
    ) -> StoredRow[Any] | None:
        """A row by its id, now or as of an instant; None when there is none that this viewer may see.

        `linked`: it is reached from a row that the viewer may see, so its owner is not checked.
        """
        if HOLDS_NOTHING in row_id:
            return None
        if as_of is None:
            stored = await self._loader(model).load(row_id)
        else:
            stored = await row_as_of(self._stores.archive, model, self.viewer.tenant_id, row_id, as_of)
        return stored if stored and (linked or await self._may_see(model, stored)) else None

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """The rows of the query that this viewer may see."""
        if any(HOLDS_NOTHING in value for _, value in query.filters):
            return []
        if self.viewer.customer_id is not None:
            owner = await self._owner_value(model)
            if model.owner is None or owner is None:
                return []
            query = replace(query, filters=(*query.filters, (model.owner, owner)))
        return await self._stores.rows.page(model, query)

    async def children(
        self, model: AnyModel, column: str, value: str, query: RowQuery
    ) -> Sequence[StoredRow[Any]]:
        """Rows with this value in a filter column, of a parent that the viewer may see; read in batches."""
        if any(HOLDS_NOTHING in wanted for wanted in (value, *(wanted for _, wanted in query.filters))):
            return []
        key = (model.name, column, query)
        if key not in self._paged:

            async def load(values: list[str]) -> list[Sequence[StoredRow[Any]]]:
                pages = await self._stores.rows.pages_by(model, column, values, query)
                return [pages[value] for value in values]

            self._paged[key] = Batches(load, self._rows_are_resolved)
        return await self._paged[key].load(value)

    async def turn(self, rows: int = 1) -> None:
        """Return when this many rows may be resolved."""
        self._waiting += 1
        try:
            await self._stores.turns.take(self.viewer.tenant_id, rows)
        finally:
            self._waiting -= 1

    async def arrivals(self) -> Arrivals:
        """The last commit of the read side that every list of this request includes."""
        if self._arrivals is None:
            self._arrivals = asyncio.ensure_future(self._stores.freshness.arrivals())
        return await self._arrivals

    async def freshness(self) -> Sequence[PartitionFreshness]:
        """The freshness of every partition for the viewer's tenant."""
        return await self._stores.freshness_for(self.viewer.tenant_id)

    def query(self, **conditions: Any) -> RowQuery:
        """A query within the viewer's tenant."""
        return RowQuery(tenant_id=self.viewer.tenant_id, **conditions)

    def _loader(self, model: AnyModel) -> Batches[StoredRow[Any] | None]:
        if model.name not in self._single:
            tenant_id = self.viewer.tenant_id

            async def load(row_ids: list[str]) -> list[StoredRow[Any] | None]:
                found = await self._stores.rows.load(model, [(tenant_id, row_id) for row_id in row_ids])
                return [found.get((tenant_id, row_id)) for row_id in row_ids]

            self._single[model.name] = Batches(load, self._rows_are_resolved)
        return self._single[model.name]

    async def _rows_are_resolved(self) -> None:
        """Return when no row waits for its turn: then all that these rows want is known."""
        quiet = 0
        while quiet < PASSES:
            await asyncio.sleep(0)
            quiet = 0 if self._waiting else quiet + 1

    async def _may_see(self, model: AnyModel, stored: StoredRow[Any]) -> bool:
        if self.viewer.customer_id is None:
            return True
        owner = await self._owner_value(model)
        return model.owner is not None and owner == getattr(stored.row, model.owner)

    async def _owner_value(self, model: AnyModel) -> str | None:
        """The value of the model's owner column in rows of the viewing customer."""
        customer_id = self.viewer.customer_id
        if model.owner_of is None or customer_id is None:
            return customer_id
        stored = await self._loader(model.owner_of.model).load(customer_id)
        return model.owner_of.value(stored.row) if stored else None
