"""Publishes the newest totals of changed days; each replaces the one published before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

from services.metering.meters.ports import MeterRepository
from services.metering.rollups.ports import ChangedDay, RollupStore
from shared.billing.contracts.metering.meters import MeterDefined
from shared.billing.contracts.metering.usage_totals import UsageAggregated, UsageWindow
from shared.framework.core.clock import Clock
from shared.framework.core.ids import IdGenerator
from shared.framework.eventstore.ports import InboxConflict, Store
from shared.framework.eventstore.records import InboxAdvance, InboxPosition
from shared.framework.eventstore.unit_of_work import UnitOfWork, metadata_now

DAYS_MAX = 2_000
"""Totals in one event."""

_NOTHING_PUBLISHED = InboxPosition("metering.telling", "changed-days", partition=0, position=0)
"""Its position counts publications, so that of two processes that read the same days only one publishes."""

_tenant_of = attrgetter("series.tenant_id")


@dataclass(frozen=True, slots=True)
class UsageTotalsPublisher:
    """Publishes changed days in the order in which they were read."""

    store: Store
    rollups: RollupStore
    meters: MeterRepository
    clock: Clock
    ids: IdGenerator

    async def publish_changed_days(self) -> int:
        """Publish up to 2000 changed days and return their number; never an older total after a newer one."""
        inbox = await self.store.inbox(_NOTHING_PUBLISHED.consumer)
        before = inbox.get((_NOTHING_PUBLISHED.topic, _NOTHING_PUBLISHED.partition), _NOTHING_PUBLISHED)
        async with self.rollups.snapshot() as snapshot:
            days = await snapshot.changed_days(DAYS_MAX)
        if not days:
            return 0
        unit = UnitOfWork(self.store)
        unit.changes.side_writes.append(await self.rollups.mark_published_write(days))
        unit.changes.inbox.append(
            InboxAdvance(replace(before, position=before.position + 1), before.position)
        )
        meters = {one.meter.meter_id: one.meter for one in (await self.meters.all()).values()}
        for tenant_id, tenant_days in groupby(sorted(days, key=_tenant_of), _tenant_of):
            await self._append(unit, tenant_id, tenant_days, meters)
        try:
            await unit.commit()
        except InboxConflict:
            return 0  # another process has published, perhaps newer totals than these
        return len(days)

    async def step(self) -> bool:
        """Publish once; whether more days are probably waiting."""
        return await self.publish_changed_days() >= DAYS_MAX

    async def _append(
        self, unit: UnitOfWork, tenant_id: str, days: Iterable[ChangedDay], meters: dict[str, MeterDefined]
    ) -> None:
        stream_id = self.ids.new("agg")
        metadata = await metadata_now(
            self.store, self.clock, tenant_id, correlation_id=stream_id, actor="metering"
        )
        windows = tuple(_window(day, meters[day.series.meter_id]) for day in days)
        event = UsageAggregated(windows=windows, aggregated_at=metadata.occurred_at)
        unit.session(tenant_id, metadata).append(stream_id, 0, [event], slot_key=tenant_id)


def _window(day: ChangedDay, meter: MeterDefined) -> UsageWindow:
    return UsageWindow(
        meter_key=meter.key,
        subject=day.series.subject,
        dimensions=dict(zip(meter.group_by, day.series.dimensions, strict=True)),
        day=day.day.isoformat(),
        value=day.value,
    )
