"""Port for the rows of read models; implemented in postgres/row_store.py and memory.py."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from projections.engine.read_model import AnyModel, Arrived, Key, RowChange, SortKey, StoredRow
from shared.framework.eventstore.records import SideWrite


@dataclass(frozen=True, slots=True)
class RowQuery:
    """The rows of one tenant that equal every filter, whose moment is in `[since, until)`.

    In ascending order of their sort keys (descending if `backwards`), at most `limit` of them, beyond the
    sort key `beyond`; of those that have `arrived` then (None: all). Filters are pairs of a filter column
    of the model and a value.
    """

    tenant_id: str
    filters: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    beyond: SortKey | None = None
    arrived: Arrived | None = None
    backwards: bool = False
    limit: int = 100


class RowReader(Protocol):
    """The reads of requests."""

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, StoredRow[Any]]:
        """The rows of these keys that exist."""

    async def pages_by(
        self, model: AnyModel, column: str, values: Sequence[str], query: RowQuery
    ) -> Mapping[str, Sequence[StoredRow[Any]]]:
        """The rows of the query for each value of a filter column, read at once."""

    async def page(self, model: AnyModel, query: RowQuery) -> Sequence[StoredRow[Any]]:
        """The rows of the query."""


class RowStore(RowReader, Protocol):
    """Reads and writes of the rows of every read model."""

    def save_write(self, model: AnyModel, changes: Sequence[RowChange]) -> SideWrite:
        """A side write of all changes; InboxConflict if a row is not at its expected revision."""

    async def scan(self, model: AnyModel, after: Key, limit: int) -> Sequence[StoredRow[Any]]:
        """Rows of every tenant after a key, in the order of keys; for audits, never for a request."""


async def every_row(rows: RowStore, model: AnyModel, limit: int = 1000) -> AsyncIterator[StoredRow[Any]]:
    """All rows of a model, read in pages of `limit`."""
    after: Key = ("", "")
    while page := await rows.scan(model, after, limit):
        for stored in page:
            yield stored
        after = page[-1].key
