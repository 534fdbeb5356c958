"""Telling what changed: the newest totals of days, each replacing what was told of it before."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

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

_TELLER = InboxPosition(consumer="metering.telling", topic="changed-days", partition=0, position=0)


@dataclass(frozen=True, slots=True)
class UsageTotalsPublisher:
    """Reads changed days and tells them in the order in which they were read, by a mark of its own."""

    store: Store
    rollups: RollupStore
    book: MeterRepository
    clock: Clock
    ids: IdGenerator

    async def publish_changed_days(self) -> int:
        """Tell up to 2000 changed days; how many. An older total is never told after a newer one."""
        told_so_far = await self._last_published()
        async with self.rollups.snapshot() as snapshot:
            days = await snapshot.changed_days(DAYS_MAX)
        if not days:
            return 0
        unit = UnitOfWork(self.store)
        unit.changes.side_writes.append(await self.rollups.mark_published(days))
        unit.changes.inbox.append(_move(told_so_far))
        meters = {entry.meter.meter_id: entry.meter for entry in await self.book.all()}
        for tenant_id, mine in _by_tenant(days).items():
            await self._append(unit, tenant_id, mine, meters)
        try:
            await unit.commit()
        except InboxConflict:
            return 0  # another process tells, and what we read may be older than what it told
        return len(days)

    async def step(self) -> bool:
        """Tell once; whether more days are probably waiting."""
        return await self.publish_changed_days() >= DAYS_MAX

    async def _last_published(self) -> int:
        marks = await self.store.inbox(_TELLER.consumer)
        mark = marks.get((_TELLER.topic, _TELLER.partition), _TELLER)
        return mark.position

    async def _append(
        self, unit: UnitOfWork, tenant_id: str, days: Sequence[ChangedDay], meters: dict[str, MeterDefined]
    ) -> None:
        stream_id = self.ids.new("agg")
        metadata = await metadata_now(
            self.store, self.clock, tenant_id, correlation_id=stream_id, actor="metering"
        )
        windows = tuple(_window(day, meters[day.series.meter_id]) for day in days)
        event = UsageAggregated(windows=windows, aggregated_at=metadata.occurred_at)
        unit.session(tenant_id, metadata).append(stream_id, 0, [event], slot_key=tenant_id)


def _move(told_so_far: int) -> InboxAdvance:
    mark = InboxPosition(_TELLER.consumer, _TELLER.topic, _TELLER.partition, told_so_far + 1)
    return InboxAdvance(mark, expected=told_so_far)


def _by_tenant(days: Sequence[ChangedDay]) -> dict[str, list[ChangedDay]]:
    tenants: defaultdict[str, list[ChangedDay]] = defaultdict(list)
    for day in days:
        tenants[day.series.tenant_id].append(day)
    return tenants


def _window(day: ChangedDay, meter: MeterDefined) -> UsageWindow:
    return UsageWindow(
        meter_key=meter.key,
        subject=day.series.subject,
        dimensions=dict(zip(meter.group_by, day.series.dimensions, strict=True)),
        day=day.day.isoformat(),
        value=day.value,
    )
