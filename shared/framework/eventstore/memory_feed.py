"""A history by partition, linked as feeds tell it; grown when it is asked for, so nothing is walked twice."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import PAGE_BYTES_MAX, EventRecord, FeedPage


class MemoryFeed:
    """The feeds of all partitions of one count."""

    def __init__(self, partitions: int) -> None:
        """Nothing has been read yet."""
        self._parts: list[list[EventRecord]] = [[] for _ in range(partitions)]
        self._read = 0

    def page(self, history: Sequence[EventRecord], partition: int, after: int, limit: int) -> FeedPage:
        """A page of one partition; `history` is the whole, and only ever grows."""
        self._follow(history)
        mine = self._parts[partition]
        first = bisect_right(mine, after, key=lambda record: record.position)
        return FeedPage(tuple(cap_page_bytes(mine[first : first + limit])), _last(mine))

    def _follow(self, history: Sequence[EventRecord]) -> None:
        for record in history[self._read :]:
            mine = self._parts[partition_of(record.slot, len(self._parts))]
            mine.append(replace(record, previous=_last(mine)))
        self._read = len(history)


def cap_page_bytes(records: Sequence[EventRecord]) -> Sequence[EventRecord]:
    """As many of them as a page may hold."""
    held = 0
    for count, record in enumerate(records):
        if held >= PAGE_BYTES_MAX:
            return records[:count]
        held += len(record.state)
    return records


def _last(records: Sequence[EventRecord]) -> int:
    return records[-1].position if records else 0
