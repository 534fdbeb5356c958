"""What one request may read, and how: tenant and role from the credential, neighbours always in batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from strawberry.dataloader import DataLoader

from projections.engine.event_archive import EventArchive
from projections.engine.freshness import FreshnessStore, PartitionFreshness
from projections.engine.point_in_time import row_as_of
from projections.engine.read_model import AnyModel, StoredRow
from projections.engine.row_store import RowQuery, RowReader
from projections.refusals import InstantIsInvalid

HOLDS_NOTHING = "\0"
"""GraphQL can spell it; no database text can hold it, so whatever is named with it is not there."""


@dataclass(frozen=True, slots=True)
class ReadStores:
    """Where all that is read lies."""

    rows: RowReader
    history: EventArchive
    freshness: FreshnessStore


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads. A customer sees only what is theirs; every other role sees its whole tenant."""

    tenant_id: str
    customer_id: str | None = None


class RequestReader:
    """One request's view: nothing of another tenant, or of another customer, can be named through it."""

    def __init__(self, library: ReadStores, viewer: Viewer) -> None:
        """For the length of one request: what was read once is not read again."""
        self.viewer = viewer
        self._library = library
        self._single: dict[str, DataLoader[str, StoredRow[Any] | None]] = {}
        self._paged: dict[tuple[str, str, RowQuery], DataLoader[str, Sequence[StoredRow[Any]]]] = {}

    async def one(
        self, model: AnyModel, row_id: str, as_of: datetime | None = None, *, linked: bool = False
    ) -> StoredRow[Any] | None:
        """A row by its id, now or at a moment; None when there is none that this viewer may see.

        `linked`: it was reached from a row that the viewer may see, so it needs no owner of its own.
        """
        if HOLDS_NOTHING in row_id:
            return None
        if as_of is None:
            stored = await self._loader(model).load(row_id)
        else:
            moment = to_utc(as_of)
            stored = await row_as_of(self._library.history, model, self.viewer.tenant_id, row_id, moment)
        return stored if stored and (linked or await self._may_see(model, stored)) else None

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """Rows of the query that this viewer may see."""
        if any(HOLDS_NOTHING in value for _, value in query.filters):
            return []
        if self.viewer.customer_id is None:
            return await self._library.rows.page(model, query)
        owner = await self._owner_value(model)
        if model.owner is None or owner is None:
            return []
        return await self._library.rows.page(
            model, replace(query, filters=(*query.filters, (model.owner, owner)))
        )

    async def children(
        self, model: AnyModel, column: str, value: str, query: RowQuery
    ) -> Sequence[StoredRow[Any]]:
        """Rows that belong to a row which the viewer may see; many parents make one statement."""
        if any(HOLDS_NOTHING in wanted for _, wanted in query.filters):
            return []
        key = (model.name, column, query)
        if key not in self._paged:

            async def load(values: list[str]) -> list[Sequence[StoredRow[Any]]]:
                pages = await self._library.rows.pages_by(model, column, values, query)
                return [pages[value] for value in values]

            self._paged[key] = DataLoader(load_fn=load)
        return await self._paged[key].load(value)

    async def freshness(self) -> Sequence[PartitionFreshness]:
        """How far the read side has heard."""
        return await self._library.freshness.of(self.viewer.tenant_id)

    def query(self, **conditions: Any) -> RowQuery:
        """A query within the viewer's tenant."""
        return RowQuery(tenant_id=self.viewer.tenant_id, **conditions)

    def _loader(self, model: AnyModel) -> DataLoader[str, StoredRow[Any] | None]:
        if model.name not in self._single:
            tenant_id = self.viewer.tenant_id

            async def load(row_ids: list[str]) -> list[StoredRow[Any] | None]:
                found = await self._library.rows.load(model, [(tenant_id, row_id) for row_id in row_ids])
                return [found.get((tenant_id, row_id)) for row_id in row_ids]

            self._single[model.name] = DataLoader(load_fn=load)
        return self._single[model.name]

    async def _may_see(self, model: AnyModel, stored: StoredRow[Any]) -> bool:
        if self.viewer.customer_id is None:
            return True
        owner = await self._owner_value(model)
        return model.owner is not None and owner == getattr(stored.row, model.owner)

    async def _owner_value(self, model: AnyModel) -> str | None:
        """What stands in a model's owner column on rows of the viewing customer."""
        customer_id = self.viewer.customer_id
        if model.owner_of is None or customer_id is None:
            return customer_id
        stored = await self._loader(model.owner_of.model).load(customer_id)
        return model.owner_of.value(stored.row) if stored else None


def to_utc(moment: datetime) -> datetime:
    """The moment in UTC; InstantIsInvalid when it has no offset, or when UTC has no such year."""
    if moment.tzinfo is None:
        raise InstantIsInvalid(moment.isoformat())
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InstantIsInvalid(moment.isoformat()) from error
