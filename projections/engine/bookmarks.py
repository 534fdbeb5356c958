"""Reading on: which items a reader has not read yet, and the cursors that say so.

Items are in the order of their sort keys, but they arrive in another: partitions are projected at their own
pace, clocks differ, and a dead letter is handled days later. So a cursor says two things: the arrivals of the
pass that its reader is in, and the sort key up to which that pass is read. The first pass is everything that
has arrived when it begins, in order; when it is read, the next pass is what has arrived since. An item is in
exactly one pass, and is read in it once.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from projections.engine.freshness import Arrivals
from projections.engine.read_model import Arrived, SortKey
from projections.refusals import CursorIsOutdated, CursorIsUnreadable
from shared.framework.core.instants import as_utc

T = TypeVar("T")

FORMAT = "2"
"""Of cursors. Those without a format were made before arrivals were counted."""
_DIGITS_MAX = 18


class Bookmark(NamedTuple):
    """The last item that was read: its pass, and its sort key."""

    arrived: Arrived
    key: SortKey


Pass = tuple[Arrived, SortKey | None]
"""Arrivals, and the sort key beyond which they are not read yet (None: none is)."""
Read = Callable[[Arrived, SortKey | None], Awaitable[Sequence[T]]]
"""Reads a page of a pass; a page that is not full is the last one of its pass."""


def passes(mark: Bookmark | None, last: int, *, backwards: bool = False) -> list[Pass]:
    """What a reader has not read, in the order of reading; `last`: the newest arrival."""
    if mark is None:
        return [(Arrived(-1, last), None)]
    rest = Arrived(-1, mark.arrived.after) if backwards else Arrived(mark.arrived.until, last)
    return [(mark.arrived, mark.key)] + ([(rest, None)] if rest.until > rest.after else [])


async def read_on(read: Read[T], unread: Sequence[Pass], limit: int) -> list[tuple[T, Arrived]]:
    """At most `limit` items of these passes, each with its pass."""
    found: list[tuple[T, Arrived]] = []
    for arrived, key in unread:
        if len(found) < limit:
            found += [(item, arrived) for item in await read(arrived, key)]
    return found[:limit]


def format_cursor(mark: Bookmark, arrivals: Arrivals) -> str:
    """The cursor of an item; opaque to clients."""
    (low, high), (instant, position, row_id) = mark
    text = f"{FORMAT}|{_of_database(arrivals)}|{low}|{high}|{instant.isoformat()}|{position}|{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def parse_cursor(cursor: str, arrivals: Arrivals) -> Bookmark:
    """The bookmark in a cursor.

    Raises CursorIsUnreadable if format_cursor cannot have made it, CursorIsOutdated if it was made by an
    earlier format, from another database, or from a state that this one was restored from before.
    """
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise CursorIsUnreadable(cursor[:100]) from error
    parts = text.split("|", 6)
    if len(parts) == 2 and "\0" not in text:
        _instant(parts[0], cursor)
        raise CursorIsOutdated(cursor[:100])
    if len(parts) != 7 or parts[0] != FORMAT or "\0" in text:
        raise CursorIsUnreadable(cursor[:100])
    _, database, low, high, instant, position, row_id = parts
    key = SortKey(_instant(instant, cursor), _number(position, cursor), row_id)
    mark = Bookmark(Arrived(-1 if low == "-1" else _number(low, cursor), _number(high, cursor)), key)
    if database != _of_database(arrivals) or mark.arrived.until > arrivals.last:
        raise CursorIsOutdated(cursor[:100])
    return mark


def _of_database(arrivals: Arrivals) -> str:
    return arrivals.database_id[:8]


def _instant(text: str, cursor: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise CursorIsUnreadable(cursor[:100]) from error


def _number(text: str, cursor: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise CursorIsUnreadable(cursor[:100])
    return int(text)
