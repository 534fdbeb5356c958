"""Relay connections: pages of rows in the order of their sort keys; a cursor is a sort key."""

import base64
import binascii
from datetime import datetime
from typing import Any, Generic, TypeVar

import strawberry
from strawberry.relay import PageInfo

from projections.engine.read_model import AnyModel
from projections.engine.request_reader import HOLDS_NOTHING, RequestReader, to_utc
from projections.engine.row_store import SortKey
from projections.refusals import CursorIsUnreadable, InstantIsInvalid, PageIsTooLarge

Node = TypeVar("Node")

PAGE_MAX = 100


@strawberry.type(description="An item and its cursor.")
class Edge(Generic[Node]):
    """See the Relay specification."""

    node: Node
    cursor: str


@strawberry.type(description="A page of items, oldest first.")
class Connection(Generic[Node]):
    """See the Relay specification."""

    edges: list[Edge[Node]]
    page_info: PageInfo


async def connection(
    reader: RequestReader,
    model: AnyModel,
    *,
    first: int,
    after: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    of: tuple[str, str] | None = None,
    **filters: str | None,
) -> Connection[Any]:
    """A page of a model's rows. `of`: the filter column and value of their parent; parents come in batches.

    Raises PageIsTooLarge, CursorIsUnreadable, InstantIsInvalid.
    """
    if not 1 <= first <= PAGE_MAX:
        raise PageIsTooLarge(str(first))
    query = reader.query(
        filters=tuple((column, value) for column, value in filters.items() if value is not None),
        since=to_utc(since) if since else None,
        until=to_utc(until) if until else None,
        after=parse_cursor(after) if after else None,
        limit=first + 1,  # one more, to see whether there is a next page
    )
    rows = await (reader.children(model, *of, query) if of else reader.page(model, query))
    edges = [Edge(node=row, cursor=format_cursor((model.sorted_by(row.row), row.id))) for row in rows[:first]]
    info = PageInfo(
        has_next_page=len(rows) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)


def format_cursor(sort_key: SortKey) -> str:
    """The cursor of a row with this sort key; opaque to clients."""
    return base64.urlsafe_b64encode(f"{sort_key[0].isoformat()}|{sort_key[1]}".encode()).decode()


def parse_cursor(cursor: str) -> SortKey:
    """The sort key of a cursor; CursorIsUnreadable if format_cursor cannot have made it."""
    try:
        sort_at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        if HOLDS_NOTHING in row_id:
            raise CursorIsUnreadable(cursor[:100])
        return to_utc(datetime.fromisoformat(sort_at)), row_id
    except (binascii.Error, ValueError, InstantIsInvalid) as error:
        raise CursorIsUnreadable(cursor[:100]) from error
