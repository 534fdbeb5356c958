"""A new meter catches up with the past, and then joins the live count at one position, exactly.

The past is read from ingest's feed with a mark of the meter's own, moved in the transaction of what it
counts. When nothing is left and the live mark is not beyond the meter's own, the meter joins while the live
mark is held where it was read: whoever folds at that moment either has moved the mark (and the meter
catches up with that too) or meets a book with one more meter (`MeterRepository.still`) and folds again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from services.metering.meters.ports import MeterRepository, RegisteredMeter
from services.metering.rollups.accumulator import CompiledMeter, UsageAccumulator
from services.metering.rollups.consumer import usage_in
from services.metering.rollups.ports import CONSUMER, RollupStore
from shared.billing.contracts import TOPICS
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.eventstore.ports import ConsumerStore, InboxConflict
from shared.framework.eventstore.records import ChangeSet, EventRecord, InboxAdvance, InboxPosition
from shared.framework.messaging.feed import FeedReader

PAGE = 50
"""Batches of usage in one commit."""

TOPIC = TOPICS["ingest"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeterBackfill:
    """Brings every meter of the book to the live count."""

    store: ConsumerStore
    book: MeterRepository
    rollups: RollupStore
    feeds: FeedReader
    partitions: int

    async def pending(self) -> Sequence[RegisteredMeter]:
        """Meters that have not joined yet."""
        return [entry for entry in await self.book.all() if entry.joined_from is None]

    async def step(self) -> int:
        """One step for each meter that is behind; how many can go on. FeedUnavailable when ingest is away.

        One that meets damaged history stays behind, and so do the readings that need it; the others go on.
        """
        stuck, entries = 0, await self.pending()
        for entry in entries:
            try:
                await self._step(entry)
            except InboxConflict:
                continue  # usage was folded meanwhile, or another process is at it
            except EventIsUnreadable:
                stuck += 1
                _log.exception("the backfill of a meter failed", extra={"meter_id": entry.meter.meter_id})
        return len(entries) - stuck

    async def _step(self, entry: RegisteredMeter) -> None:
        partition = partition_of(slot_of(entry.tenant_id), self.partitions)
        done = await self._mark(f"{CONSUMER}.backfill.{entry.meter.meter_id}", partition)
        page = await self.feeds.page("ingest", partition, self.partitions, done.position, PAGE)
        if page.records:
            await self.store.commit(await self._caught_up(entry, done, page.records))
        else:
            await self.store.commit(await self._activate(entry, done))

    async def _caught_up(
        self, entry: RegisteredMeter, done: InboxPosition, records: Sequence[EventRecord]
    ) -> ChangeSet:
        tally, gauge = UsageAccumulator(), CompiledMeter.of(entry.tenant_id, entry.meter)
        for record in records:
            if (record.tenant_id, record.wire_name) == (entry.tenant_id, UsageRecorded.wire_name):
                tally.add(usage_in(record), [gauge])
        effect = await self.rollups.record(tally)
        reached = InboxPosition(done.consumer, TOPIC, done.partition, records[-1].position)
        return ChangeSet(inbox=[InboxAdvance(reached, done.position)], side_writes=[effect] if effect else [])

    async def _activate(self, entry: RegisteredMeter, done: InboxPosition) -> ChangeSet:
        live = await self._mark(CONSUMER, done.partition)
        if live.position > done.position:
            raise InboxConflict("usage was folded after the feed had been read to its end")
        effects = [self.book.activate(entry.meter.meter_id, done.position)]
        return ChangeSet(inbox=[InboxAdvance(live, live.position)], side_writes=effects)

    async def _mark(self, consumer: str, partition: int) -> InboxPosition:
        marks = await self.store.inbox(consumer)
        return marks.get((TOPIC, partition), InboxPosition(consumer, TOPIC, partition, 0))
