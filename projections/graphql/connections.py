"""Relay connections: pages of rows in the order of their sort keys, which a reader can go on with later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry
from strawberry.relay import PageInfo

from projections.engine.bookmarks import Bookmark, format_cursor, parse_cursor, passes, read_on
from projections.engine.read_model import AnyModel, Arrived, SortKey, StoredRow, sort_key
from projections.engine.request_reader import RequestReader
from projections.refusals import PageIsTooLarge

Node = TypeVar("Node")

PAGE_MAX = 100


@strawberry.type(description="An item and its cursor.")
class Edge(Generic[Node]):
    """See the Relay specification. The rows of a page are resolved in slices."""

    row: strawberry.Private[Any]

    @strawberry.field
    async def node(self, info: strawberry.Info[RequestReader, None]) -> Node:
        """The row, when it is its turn."""
        await info.context.turn()
        row: Node = self.row
        return row

    cursor: str


@strawberry.type(description="A page of items, oldest first.")
class Connection(Generic[Node]):
    """See the Relay specification."""

    edges: list[Edge[Node]]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class PageArguments:
    """Relay's arguments: the first rows after a cursor or, with `last`, the last rows before one."""

    first: int
    after: str | None
    last: int | None
    before: str | None

    @property
    def size(self) -> int:
        """The number of rows. Raises PageIsTooLarge."""
        size = self.first if self.last is None else self.last
        if not 1 <= size <= PAGE_MAX:
            raise PageIsTooLarge(str(size))
        return size

    @property
    def backwards(self) -> bool:
        """Whether the page ends at its cursor."""
        return self.last is not None

    @property
    def cursor(self) -> str | None:
        """The cursor where the page begins or ends."""
        return self.before if self.backwards else self.after


async def connection(
    reader: RequestReader,
    model: AnyModel,
    arguments: PageArguments,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    of: tuple[str, str] | None = None,
    **filters: str | None,
) -> Connection[Any]:
    """A page of a model's rows. `of`: the filter column and value of their parent; parents come in batches.

    Raises PageIsTooLarge, CursorIsUnreadable, CursorIsOutdated.
    """
    size, backwards = arguments.size, arguments.backwards
    query = reader.query(
        filters=tuple((column, value) for column, value in filters.items() if value is not None),
        since=since,
        until=until,
        backwards=backwards,
        limit=size + 1,  # one more, to see whether there is a next page
    )

    async def read(arrived: Arrived, beyond: SortKey | None) -> Sequence[StoredRow[Any]]:
        narrowed = replace(query, arrived=arrived, beyond=beyond)
        return await (reader.children(model, *of, narrowed) if of else reader.page(model, narrowed))

    arrivals = await reader.arrivals()
    mark = parse_cursor(arguments.cursor, arrivals) if arguments.cursor else None
    found = await read_on(read, passes(mark, arrivals.last, backwards=backwards), size + 1)
    page = found[:size][::-1] if backwards else found[:size]
    edges: list[Edge[Any]] = [
        Edge(row=row, cursor=format_cursor(Bookmark(arrived, sort_key(model, row)), arrivals))
        for row, arrived in page
    ]
    more, elsewhere = len(found) > size, arguments.cursor is not None
    info = PageInfo(
        has_next_page=elsewhere if backwards else more,
        has_previous_page=more if backwards else elsewhere,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)
