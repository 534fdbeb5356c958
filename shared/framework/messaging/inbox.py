"""How far a consumer has come, as last committed; and who waits for it to come further."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from shared.framework.eventstore.ports import InboxPositions
from shared.framework.eventstore.records import EventRecord, InboxAdvance, InboxPosition
from shared.framework.messaging.port import TopicPartition
from shared.framework.retry.backoff import Sleeper

RecordsByPartition = Mapping[TopicPartition, Sequence[EventRecord]]
"""New records of each partition, in order, none missing."""

LOOK_EVERY_S = 0.1


class Inbox:
    """One consumer's marks. The database holds the truth; this copy is right while its owner leads."""

    def __init__(self, store: InboxPositions, consumer: str, partitions: Iterable[TopicPartition]) -> None:
        """At the beginning of every partition until `load`."""
        self._store = store
        self._consumer = consumer
        self._positions = dict.fromkeys(partitions, 0)
        self._offsets: dict[TopicPartition, int] = {}
        self._incarnations: dict[TopicPartition, str | None] = {}
        self._incarnation: str | None = None
        self._elsewhere: dict[TopicPartition, int] = {}
        self._look_again_at = 0.0
        self._changed = asyncio.Event()

    async def load(self) -> None:
        """Read the marks again."""
        marks = await self._store.inbox(self._consumer)
        self._offsets.clear()
        for partition in self._positions:
            mark = marks.get(partition)
            self._positions[partition] = mark.position if mark else 0
            self._incarnations[partition] = mark.incarnation if mark else None
            if mark and mark.offset is not None:
                self._offsets[partition] = mark.offset
        self._announce()

    def position(self, partition: TopicPartition) -> int:
        """The last position taken in from a partition (0: none)."""
        return self._positions[partition]

    def positions(self) -> Mapping[TopicPartition, int]:
        """All of them."""
        return dict(self._positions)

    def starting_offsets(self, incarnation: str) -> dict[TopicPartition, int | None]:
        """Where to begin reading from this broker: from offsets only if they are its own."""
        known = {p: self._offsets.get(p) for p, met in self._incarnations.items() if met == incarnation}
        starts = {partition: known.get(partition) for partition in self._positions}
        self._incarnation = incarnation
        self._offsets = {p: offset for p, offset in starts.items() if offset is not None}
        self._incarnations = dict.fromkeys(self._positions, incarnation)
        return starts

    def note_offset(self, partition: TopicPartition, offset: int) -> None:
        """The message at this offset needs no second look once the next commit is done."""
        self._offsets[partition] = offset + 1

    def advances(self, work: RecordsByPartition) -> list[InboxAdvance]:
        """What to write when this work is committed."""
        return [self._move(p, records[-1].position) for p, records in work.items() if records]

    def committed(self, work: RecordsByPartition) -> None:
        """The work is committed."""
        self._positions.update({p: records[-1].position for p, records in work.items() if records})
        self._announce()

    async def wait_for_position(
        self, partition: TopicPartition, position: int, timeout_s: float, sleeper: Sleeper
    ) -> bool:
        """Wait until the mark is there, moved by this process or by another; False when time is out."""
        deadline = sleeper.elapsed() + timeout_s
        while True:
            changed = self._changed
            if max(self._positions[partition], self._elsewhere.get(partition, 0)) >= position:
                return True
            left = deadline - sleeper.elapsed()
            if left <= 0:
                return False
            if not await sleeper.sleep(min(left, LOOK_EVERY_S), changed):
                await self._reload_elsewhere(sleeper)

    async def _reload_elsewhere(self, sleeper: Sleeper) -> None:
        """Another process may be leading. Only who waits may know: our own work goes by our own marks.

        One look serves everybody who waits.
        """
        if sleeper.elapsed() >= self._look_again_at:
            self._look_again_at = sleeper.elapsed() + LOOK_EVERY_S
            marks = await self._store.inbox(self._consumer)
            self._elsewhere = {place: mark.position for place, mark in marks.items()}

    def _move(self, partition: TopicPartition, position: int) -> InboxAdvance:
        topic, number = partition
        mark = InboxPosition(
            self._consumer, topic, number, position, self._offsets.get(partition), self._incarnation
        )
        return InboxAdvance(mark, expected=self._positions[partition])

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
