"""What the read side asks of wherever rows lie. Postgres and memory keep the same promises."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from projections.engine.folding import Change
from projections.engine.read_model import AnyModel, Key, Stored
from shared.framework.eventstore.port import Effect

Place = tuple[datetime, str]
"""Where a row stands in its model's order: (sort moment, id); unique, so paging never skips or repeats."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of one tenant: equal to every filter, from `since` (inclusive) until `until` (exclusive).

    Rows come in ascending order of their place, `limit` of them after `after`.
    """

    tenant_id: str
    filters: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    after: Place | None = None
    limit: int = 100


class Rows(Protocol):
    """The rows of every read model."""

    async def load(self, model: AnyModel, keys: Collection[Key]) -> Mapping[Key, Stored[Any]]:
        """The rows that are there."""
        ...

    def save(self, model: AnyModel, changes: Sequence[Change]) -> Effect:
        """A side write of all of them; InboxMoved when one is no longer at its expected revision."""
        ...

    async def pages(
        self, model: AnyModel, column: str, values: Sequence[str], query: Query
    ) -> Mapping[str, Sequence[Stored[Any]]]:
        """For each value of a filter column the rows of the query, in one go: no neighbour is read alone."""
        ...

    async def page(self, model: AnyModel, query: Query) -> Sequence[Stored[Any]]:
        """The rows of the query."""
        ...

    async def everything(self, model: AnyModel, after: Key, limit: int) -> Sequence[Stored[Any]]:
        """The rows of every tenant after a key, by key: for copies and audits, never for a request."""
        ...


async def every_row(rows: Rows, model: AnyModel, limit: int = 1000) -> AsyncIterator[Stored[Any]]:
    """All rows of a model, page by page."""
    after: Key = ("", "")
    while page := await rows.everything(model, after, limit):
        for stored in page:
            yield stored
        after = page[-1].key
