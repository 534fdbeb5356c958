"""What the read side asks of wherever rows lie. Postgres and memory keep the same promises."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from projections.engine.folding import RowChange
from projections.engine.read_model import AnyModel, Key, StoredRow
from shared.framework.eventstore.records import SideWrite

SortKey = tuple[datetime, str]
"""Where a row stands in its model's order: (sort moment, id); unique, so paging never skips or repeats."""


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Which rows of one tenant: equal to every filter, from `since` (inclusive) until `cut_at` (exclusive).

    Rows come in ascending order of their place, `limit` of them after `after`.
    """

    tenant_id: str
    filters: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: SortKey | None = None
    limit: int = 100


class RowReader(Protocol):
    """What requests read of the rows of every read model."""

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """The rows that are there."""
        ...

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        """For each value of a filter column the rows of the query, in one go: no neighbour is read alone."""
        ...

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """The rows of the query."""
        ...


class RowStore(RowReader, Protocol):
    """The rows of every read model, to read and to write."""

    def save(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        """A side write of all of them; InboxConflict when one is no longer at its expected revision."""
        ...

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        """The rows of every tenant after a key, by key: for audits, never for a request."""
        ...


async def every_row(rows: RowStore, model: AnyModel, limit: int = 1000) -> AsyncIterator[StoredRow[Any]]:
    """All rows of a model, page by page."""
    after: Key = ("", "")
    while page := await rows.scan(model, after, limit):
        for stored in page:
            yield stored
        after = page[-1].key
