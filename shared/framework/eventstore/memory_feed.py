"""Feed pages of the store in memory: its records by partition, extended at each call."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from shared.framework.core.ids import partition_of
from shared.framework.eventstore.records import PAGE_BYTES_MAX, EventRecord, FeedPage


class MemoryFeed:
    """The records of a store divided into a fixed number of partitions, each linked to its previous one."""

    def __init__(self, partitions: int) -> None:
        """Partitions without records."""
        self._parts: list[list[EventRecord]] = [[] for _ in range(partitions)]
        self._read = 0

    def page(self, history: Sequence[EventRecord], partition: int, after: int, limit: int) -> FeedPage:
        """A page of one partition; `history` has all records of the store, and may only grow."""
        self._extend(history)
        records = self._parts[partition]
        first = bisect_right(records, after, key=lambda record: record.position)
        return FeedPage(tuple(cap_page_bytes(records[first : first + limit])), _last(records))

    def _extend(self, history: Sequence[EventRecord]) -> None:
        for record in history[self._read :]:
            records = self._parts[partition_of(record.slot, len(self._parts))]
            records.append(replace(record, previous=_last(records)))
        self._read = len(history)


def cap_page_bytes(records: Sequence[EventRecord]) -> Sequence[EventRecord]:
    """The first records, up to the one that reaches PAGE_BYTES_MAX."""
    total = 0
    for count, record in enumerate(records):
        if total >= PAGE_BYTES_MAX:
            return records[:count]
        total += len(record.state)
    return records


def _last(records: Sequence[EventRecord]) -> int:
    return records[-1].position if records else 0
