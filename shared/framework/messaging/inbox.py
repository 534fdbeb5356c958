"""The inbox of a consumer: its committed positions, and waiting for one."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from shared.framework.eventstore.ports import InboxPositions
from shared.framework.eventstore.records import EventRecord, InboxAdvance, InboxPosition
from shared.framework.messaging.port import TopicPartition
from shared.framework.retry.backoff import Sleeper

RecordsByPartition = Mapping[TopicPartition, Sequence[EventRecord]]
"""New records of each partition, in order and without gaps."""

RELOAD_INTERVAL_S = 0.1


class Inbox:
    """A consumer's positions: a copy of the database, correct only while this process is the leader."""

    def __init__(self, store: InboxPositions, consumer: str, partitions: Iterable[TopicPartition]) -> None:
        """Position 0 of each partition, before `load`."""
        self._store = store
        self._consumer = consumer
        self._positions = dict.fromkeys(partitions, 0)
        self._offsets: dict[TopicPartition, int] = {}
        self._cluster_ids: dict[TopicPartition, str | None] = {}
        self._cluster_id: str | None = None
        self._stored: dict[TopicPartition, int] = {}
        self._reload_at = 0.0
        self._changed = asyncio.Event()

    async def load(self) -> None:
        """Read the positions from the database."""
        stored = await self._store.inbox(self._consumer)
        self._offsets.clear()
        for partition in self._positions:
            at = stored.get(partition)
            self._positions[partition] = at.position if at else 0
            self._cluster_ids[partition] = at.cluster_id if at else None
            if at and at.offset is not None:
                self._offsets[partition] = at.offset
        self._notify()

    def position(self, partition: TopicPartition) -> int:
        """The last committed position of a partition (0: none)."""
        return self._positions[partition]

    def positions(self) -> Mapping[TopicPartition, int]:
        """The last committed position of each partition."""
        return dict(self._positions)

    def starting_offsets(self, cluster_id: str) -> dict[TopicPartition, int | None]:
        """The offset from which to read each partition; None (the earliest) if stored for another cluster."""
        known = {p: self._offsets.get(p) for p, stored in self._cluster_ids.items() if stored == cluster_id}
        starts = {partition: known.get(partition) for partition in self._positions}
        self._cluster_id = cluster_id
        self._offsets = {p: offset for p, offset in starts.items() if offset is not None}
        self._cluster_ids = dict.fromkeys(self._positions, cluster_id)
        return starts

    def note_offset(self, partition: TopicPartition, offset: int) -> None:
        """Store this offset as read with the next commit."""
        self._offsets[partition] = offset + 1

    def advances(self, work: RecordsByPartition) -> list[InboxAdvance]:
        """The inbox changes that belong to the commit of these records."""
        return [self._advance(p, records[-1].position) for p, records in work.items() if records]

    def committed(self, work: RecordsByPartition) -> None:
        """Take over the positions of records that have been committed."""
        self._positions.update({p: records[-1].position for p, records in work.items() if records})
        self._notify()

    async def wait_for_position(
        self, partition: TopicPartition, position: int, timeout_s: float, sleeper: Sleeper
    ) -> bool:
        """Wait until this process or another has committed a position; False after `timeout_s`."""
        deadline = sleeper.elapsed() + timeout_s
        while True:
            changed = self._changed
            if max(self._positions[partition], self._stored.get(partition, 0)) >= position:
                return True
            left = deadline - sleeper.elapsed()
            if left <= 0:
                return False
            if not await sleeper.sleep(min(left, RELOAD_INTERVAL_S), changed):
                await self._reload_stored(sleeper)

    async def _reload_stored(self, sleeper: Sleeper) -> None:
        """Read the database, where another process may be the leader; once for all waiting requests.

        The result is only used to wait: `advances` must compare with positions of this process.
        """
        if sleeper.elapsed() >= self._reload_at:
            self._reload_at = sleeper.elapsed() + RELOAD_INTERVAL_S
            stored = await self._store.inbox(self._consumer)
            self._stored = {partition: at.position for partition, at in stored.items()}

    def _advance(self, partition: TopicPartition, position: int) -> InboxAdvance:
        topic, number = partition
        target = InboxPosition(
            self._consumer, topic, number, position, self._offsets.get(partition), self._cluster_id
        )
        return InboxAdvance(target, expected=self._positions[partition])

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
