"""Counts the past of a new meter, then activates it at one position, so that each event is counted once.

The past is read from ingest's feed with an inbox position of the meter's own, moved in the transaction of
what it counts. When the feed has no more and the live inbox position is not after the meter's, the meter is
activated in a transaction that asserts the live position. A rollup consumer at work at that time either has
moved the live position, then the backfill goes on, or its commit fails because another meter is active
(`MeterRepository.assert_active_count_write`), then it counts again.
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

BATCHES_MAX = 50
"""Batches of usage in one commit."""

TOPIC = TOPICS["ingest"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeterBackfill:
    """The backfill of all meters that are not active."""

    store: ConsumerStore
    meters: MeterRepository
    rollups: RollupStore
    feeds: FeedReader
    partitions: int

    async def pending(self) -> Sequence[RegisteredMeter]:
        """The meters that are not active."""
        return [one for one in (await self.meters.all()).values() if one.joined_from is None]

    async def step(self) -> int:
        """Do one step for each pending meter; the number of meters that can go on. FeedUnavailable.

        A meter whose history is damaged stays pending, and readings that need it wait; the others go on.
        """
        damaged, pending = 0, await self.pending()
        for meter in pending:
            try:
                await self._step(meter)
            except InboxConflict:
                continue  # usage was counted meanwhile, or another process backfills this meter
            except EventIsUnreadable:
                damaged += 1
                _log.exception("the backfill of a meter failed", extra={"meter_id": meter.meter.meter_id})
        return len(pending) - damaged

    async def _step(self, meter: RegisteredMeter) -> None:
        partition = partition_of(slot_of(meter.tenant_id), self.partitions)
        done = await self._inbox_position(f"{CONSUMER}.backfill.{meter.meter.meter_id}", partition)
        page = await self.feeds.page("ingest", partition, self.partitions, done.position, BATCHES_MAX)
        changes = self._count(meter, done, page.records) if page.records else self._activate(meter, done)
        await self.store.commit(await changes)

    async def _count(
        self, meter: RegisteredMeter, done: InboxPosition, records: Sequence[EventRecord]
    ) -> ChangeSet:
        usage, compiled = UsageAccumulator(), CompiledMeter.of(meter.tenant_id, meter.meter)
        for record in records:
            if (record.tenant_id, record.wire_name) == (meter.tenant_id, UsageRecorded.wire_name):
                usage.add(usage_in(record), [compiled])
        write = await self.rollups.record_write(usage)
        reached = InboxPosition(done.consumer, TOPIC, done.partition, records[-1].position)
        return ChangeSet(inbox=[InboxAdvance(reached, done.position)], side_writes=[write] if write else [])

    async def _activate(self, meter: RegisteredMeter, done: InboxPosition) -> ChangeSet:
        live = await self._inbox_position(CONSUMER, done.partition)
        if live.position > done.position:
            raise InboxConflict("usage was counted after the feed had been read to its end")
        write = self.meters.activate_write(meter.meter.meter_id, done.position)
        return ChangeSet(inbox=[InboxAdvance(live, live.position)], side_writes=[write])

    async def _inbox_position(self, consumer: str, partition: int) -> InboxPosition:
        inbox = await self.store.inbox(consumer)
        return inbox.get((TOPIC, partition), InboxPosition(consumer, TOPIC, partition, 0))
