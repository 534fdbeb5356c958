"""Publishes how many events each meter could not read: an alert, and the count of the read side."""

from dataclasses import dataclass

from services.metering.meters.decider import METER, ReportUnreadableUsage
from services.metering.unreadable_usage.ports import UnpublishedCount, UnreadableUsage
from shared.billing.contracts.metering.meters import UnreadableUsageFound
from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import Store
from shared.framework.eventstore.unit_of_work import UnitOfWork, metadata_now, transact

METERS_MAX = 100
"""Meters in one commit."""


@dataclass(frozen=True, slots=True)
class UnreadableUsagePublisher:
    """Publishes the counts in the streams of their meters."""

    store: Store
    unreadable: UnreadableUsage
    clock: Clock
    ids: IdGenerator

    async def step(self) -> bool:
        """Publish counts that have changed; whether more are probably waiting."""
        count, _ = await transact(self.store, self._publish)
        return count >= METERS_MAX

    async def _publish(self, unit: UnitOfWork) -> int:
        counts = await self.unreadable.to_publish(METERS_MAX)
        for one in counts:
            await self._report(unit, one)
        if counts:
            unit.changes.side_writes.append(await self.unreadable.published_write(counts))
        return len(counts)

    async def _report(self, unit: UnitOfWork, one: UnpublishedCount) -> None:
        meter_id = one.newest.meter_id
        metadata = await metadata_now(
            self.store, self.clock, one.tenant_id, correlation_id=self.ids.new("req"), actor="metering"
        )
        found = UnreadableUsageFound(
            meter_id=meter_id,
            meter_key=one.meter_key,
            unreadable_count=one.count,
            reason=one.newest.reason,
            path=one.newest.path,
            source=one.newest.source,
            event_id=one.newest.event_id,
            subject=one.newest.subject,
            time=one.newest.time,
            found_at=metadata.occurred_at,
        )
        session = unit.session(one.tenant_id, metadata)
        await session.handle(METER, meter_id, ReportUnreadableUsage(found))
