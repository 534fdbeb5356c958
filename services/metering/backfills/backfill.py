"""Counts the past of a new meter, then activates it at one position, so that each event is counted once.

The past is read from ingest's feed with an inbox position of the meter's own, moved in the transaction of
what it counts. When the feed has no more and the live inbox position is not after the meter's, the meter is
activated in a transaction that asserts the live position. A rollup consumer at work at that time either has
moved the live position, then the backfill goes on, or its commit fails because another meter is active
(`MeterRepository.assert_active_count_write`), then it counts again. Another process may see the same meter as
pending: the activation also asserts the meter's own position, and counting asserts that it is pending still.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.metering.meters.handlers import registered_meter
from services.metering.meters.ports import MeterRepository, RegisteredMeter
from services.metering.rollups.accumulator import CompiledMeter, UsageAccumulator
from services.metering.rollups.consumer import count_record
from services.metering.rollups.ports import CONSUMER, RollupStore
from shared.billing.contracts import TOPICS
from shared.billing.contracts.ingest.usage import UsageRecorded
from shared.billing.contracts.metering.meters import MeterDefined
from shared.framework.core.ids import partition_of, slot_of
from shared.framework.core.refusals import Refusal, RefusalKind
from shared.framework.eventstore.contracts import EventIsUnreadable
from shared.framework.eventstore.ports import ConsumerStore, InboxConflict
from shared.framework.eventstore.records import ChangeSet, EventRecord, InboxAdvance, InboxPosition
from shared.framework.messaging.feed import FeedReader
from shared.framework.retry.backoff import Sleeper

BATCHES_MAX = 50
"""Batches of usage in one commit."""

ACTIVE_WITHIN_S = 5.0
"""How long a request waits for a meter that counts the past."""

POLL_INTERVAL_S = 0.05
TOPIC = TOPICS["ingest"]

PendingMeter = tuple[RegisteredMeter, InboxPosition]
"""A meter that is not active, and the position that its backfill has reached."""

_log = logging.getLogger(__name__)


class PastIsBeingCounted(Refusal):
    """The meter still counts the usage that was accepted before it was defined; try again later."""

    code = "past-is-being-counted"
    kind = RefusalKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class MeterBackfill:
    """The backfill of all meters that are not active.

    Meters that have read equally far in a partition go on together, so the past is read once for all.
    """

    store: ConsumerStore
    meters: MeterRepository
    rollups: RollupStore
    feeds: FeedReader
    sleeper: Sleeper
    partitions: int

    def partition_of(self, tenant_id: str) -> int:
        """The number of the tenant's partition of usage."""
        return partition_of(slot_of(tenant_id), self.partitions)

    async def active_meter(self, tenant_id: str, key: str) -> MeterDefined:
        """The tenant's meter of this key, which has counted the past: its totals include every position.

        Waits for it. Raises MeterIsUnknown; PastIsBeingCounted after ACTIVE_WITHIN_S.
        """
        deadline = self.sleeper.elapsed() + ACTIVE_WITHIN_S
        while not (registered := await registered_meter(self.meters, tenant_id, key)).is_active:
            if self.sleeper.elapsed() >= deadline:
                reached = await self._reached(registered)
                raise PastIsBeingCounted(f"{key} has counted ingest:{reached.partition}:{reached.position}")
            await self.sleeper.sleep(POLL_INTERVAL_S)
        return registered.meter

    async def pending(self) -> Sequence[RegisteredMeter]:
        """The meters that are not active."""
        return [one for one in (await self.meters.all()).values() if not one.is_active]

    async def step(self) -> int:
        """Do one step for each pending meter; the number of meters that can go on. FeedUnavailable.

        A meter whose history is damaged stays pending, and readings that need it wait; the others go on.
        """
        groups: defaultdict[tuple[int, int], list[PendingMeter]] = defaultdict(list)
        for one in await self.pending():
            reached = await self._reached(one)
            groups[reached.partition, reached.position].append((one, reached))
        return sum([await self._step_together(group) for group in groups.values()])

    async def _step_together(self, group: Sequence[PendingMeter]) -> int:
        """The number of meters of the group that can go on; if some history is damaged, each goes alone."""
        try:
            await self._step(group)
        except InboxConflict:
            pass  # usage was counted meanwhile, or another process backfills these meters
        except EventIsUnreadable:
            if len(group) > 1:
                return sum([await self._step_together([one]) for one in group])
            _log.exception("the backfill of a meter failed", extra={"meter_id": group[0][0].meter.meter_id})
            return 0
        return len(group)

    async def _step(self, group: Sequence[PendingMeter]) -> None:
        reached = group[0][1]
        page = await self.feeds.page(
            "ingest", reached.partition, self.partitions, reached.position, BATCHES_MAX
        )
        changes = self._count(group, page.records) if page.records else self._activate(group)
        await self.store.commit(await changes)

    async def _count(self, group: Sequence[PendingMeter], records: Sequence[EventRecord]) -> ChangeSet:
        meters: defaultdict[str, list[CompiledMeter]] = defaultdict(list)
        for one, _ in group:
            meters[one.tenant_id].append(CompiledMeter.of(one.tenant_id, one.meter))
        usage = UsageAccumulator()
        for record in records:
            if record.tenant_id in meters and record.wire_name == UsageRecorded.wire_name:
                count_record(usage, record, meters[record.tenant_id])
        write = await self.rollups.record_write(usage)
        inbox = [
            InboxAdvance(replace(reached, position=records[-1].position), reached.position)
            for _, reached in group
        ]
        pending = self.meters.assert_pending_write([one.meter.meter_id for one, _ in group])
        return ChangeSet(inbox=inbox, side_writes=[pending, write] if write else [pending])

    async def _activate(self, group: Sequence[PendingMeter]) -> ChangeSet:
        reached = group[0][1]
        live = await self._inbox_position(CONSUMER, reached.partition)
        if live.position > reached.position:
            raise InboxConflict("usage was counted after the feed had been read to its end")
        writes = [self.meters.activate_write(one.meter.meter_id, reached.position) for one, _ in group]
        # Both kinds of position stay: another process has counted neither live nor as the past meanwhile.
        positions = [live, *(reached for _, reached in group)]
        return ChangeSet(inbox=[InboxAdvance(at, at.position) for at in positions], side_writes=writes)

    async def _reached(self, meter: RegisteredMeter) -> InboxPosition:
        """The inbox position of the meter's own backfill."""
        consumer = f"{CONSUMER}.backfill.{meter.meter.meter_id}"
        return await self._inbox_position(consumer, self.partition_of(meter.tenant_id))

    async def _inbox_position(self, consumer: str, partition: int) -> InboxPosition:
        inbox = await self.store.inbox(consumer)
        return inbox.get((TOPIC, partition), InboxPosition(consumer, TOPIC, partition, 0))
